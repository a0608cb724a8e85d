using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Pgvector;

namespace Mahavishnu.Ingest;

/// <summary>A comparison that cannot be made: one space's model cannot embed the questions now.</summary>
internal sealed class NotComparableException(EmbeddingSpace space, EmbeddingModelException inner) : Exception(inner.Message, inner)
{
    public EmbeddingSpace Space { get; } = space;

    public EmbeddingModelException Fault { get; } = inner;
}

/// <summary>Asks the same questions of two spaces, each with its own model, and looks what each brings up. By vectors alone: the words find the same in both.</summary>
internal sealed class SpaceComparer(EmbeddingModels models, PinnedQueryStore pins, SampledQueryStore samples, NearestStore nearest, TimeProvider time)
{
    /// <summary>How far down a memory is looked for.</summary>
    public const int Ranks = 100;

    private const int StandIns = 3;

    // Whoever asks waits. A model that has to be loaded first takes its time; one that takes longer than this cannot be searched with either.
    private static readonly TimeSpan EmbeddingTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookingTime = TimeSpan.FromSeconds(60);

    /// <param name="queries">Questions to use at most: pinned ones first, then those really asked.</param>
    /// <exception cref="NotComparableException">A model cannot be used now.</exception>
    public async Task<SpaceComparison> CompareAsync(EmbeddingSpace baseline, EmbeddingSpace candidate, int queries, CancellationToken ct)
    {
        var (asked, gone) = await QuestionsAsync(queries, ct);
        var pinned = asked.Any(q => q.MemoryId is not null);
        var basis = pinned ? ComparisonBasis.Pinned : asked.Count > 0 ? ComparisonBasis.Sampled : ComparisonBasis.None;
        var (before, after) = (EmbedAsync(baseline, asked, ct), EmbedAsync(candidate, asked, ct));
        await Task.WhenAll(before, after);
        var (baselineVectors, candidateVectors) = (await before, await after);

        var compared = new List<ComparedQuestion>(asked.Count);
        var began = time.GetTimestamp();
        foreach (var (question, i) in asked.Select((q, i) => (q, i)))
        {
            if (baselineVectors[i] is not { } one || candidateVectors[i] is not { } other)
            {
                continue;
            }

            if (time.GetElapsedTime(began) > LookingTime)
            {
                break;
            }

            var right = question.MemoryId is { } memory ? [memory] : pinned ? [] : await nearest.ByWordsAsync(question.Query, question.Scope, StandIns, ct);
            var (found, alsoFound) = (LookAsync(baseline, one, question.Scope, ct), LookAsync(candidate, other, question.Scope, ct));
            compared.Add(new ComparedQuestion(question.Query, question.MemoryId, right, await found, await alsoFound));
        }

        return SpaceScoring.Compare(basis, Note(basis, asked, compared, gone, baseline, candidate), baseline, candidate, compared);
    }

    private async Task<(List<Asked> Asked, int Gone)> QuestionsAsync(int most, CancellationToken ct)
    {
        var all = await pins.ListAsync(after: null, PinnedQueryStore.Most, ct);
        var asked = all.Where(p => p.Title is not null).Select(p => new Asked(p.Query, p.Scope, p.MemoryId)).Take(most).ToList();
        if (asked.Count < most)
        {
            // A pinned question is asked by people, too.
            var known = asked.Select(a => a.Query).ToHashSet(StringComparer.Ordinal);
            asked.AddRange((await samples.ListAsync(most, ct)).Where(s => !known.Contains(s.Query)).Take(most - asked.Count).Select(s => new Asked(s.Query, s.Scope, null)));
        }

        return (asked, all.Count(p => p.Title is null));
    }

    private async Task<FoundBySpace> LookAsync(EmbeddingSpace space, HalfVector question, QueryScope scope, CancellationToken ct) => new(
        await nearest.ExactAsync(space, question, scope, Ranks, ct),
        space.IndexState == "ready" ? await nearest.ByIndexAsync(space, question, scope, SpaceScoring.First, ct) : null);

    /// <returns>A vector for each question; null where the model can make nothing of it.</returns>
    private async Task<IReadOnlyList<HalfVector?>> EmbedAsync(EmbeddingSpace space, List<Asked> asked, CancellationToken ct)
    {
        if (asked.Count == 0)
        {
            return [];
        }

        using var limit = new CancellationTokenSource(EmbeddingTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            var client = await models.OpenAsync(space.Identity, either.Token);
            return await EmbedAsync(client, [.. asked.Select(a => a.Query)], either.Token).WaitAsync(either.Token);
        }
        catch (EmbeddingModelException e)
        {
            throw new NotComparableException(space, e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new NotComparableException(space, new EmbeddingModelException(
                EmbeddingReasons.ModelAway, $"{space.Model} did not embed {asked.Count} questions within {EmbeddingTime.TotalSeconds} s.", inner: e));
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // Whatever a model can throw.
            throw new NotComparableException(space, new EmbeddingModelException(EmbeddingReasons.ModelError, $"{space.Model} failed: {e.Message}", inner: e));
        }
    }

    private static async Task<IReadOnlyList<HalfVector?>> EmbedAsync(EmbeddingClient client, IReadOnlyList<string> questions, CancellationToken ct)
    {
        try
        {
            return [.. (await client.EmbedQuestionsAsync(questions, ct)).Select(Halves)];
        }
        catch (EmbeddingModelException e) when (IsOfTheText(e) && questions.Count > 1)
        {
            var vectors = new List<HalfVector?>(questions.Count);
            foreach (var question in questions)
            {
                vectors.AddRange(await EmbedAsync(client, [question], ct));
            }

            return vectors;
        }
        catch (EmbeddingModelException e) when (IsOfTheText(e))
        {
            return [null];
        }
    }

    private static bool IsOfTheText(EmbeddingModelException e) => e.Reason is EmbeddingReasons.TextRefused or EmbeddingReasons.ZeroVector or EmbeddingReasons.NotFinite;

    private static HalfVector? Halves(float[] vector)
    {
        var halves = new Half[vector.Length];
        TensorPrimitives.ConvertToHalf(vector, halves);
        return Array.Exists(halves, h => h != Half.Zero) && Array.TrueForAll(halves, Half.IsFinite) ? new HalfVector(halves) : null;
    }

    private static string Note(string basis, List<Asked> asked, List<ComparedQuestion> compared, int gone, EmbeddingSpace baseline, EmbeddingSpace candidate)
    {
        var pinned = compared.Count(c => c.MemoryId is not null);
        var notes = new List<string>
        {
            basis switch
            {
                ComparisonBasis.Pinned => $"{pinned} pinned questions decide; {compared.Count - pinned} that were really asked count for the overlap.",
                ComparisonBasis.Sampled => $"Nothing is pinned: {compared.Count} questions that were really asked, with the first hits by words in the place of the right answer. "
                    + "That favours models that go by words, so only less than half as much is called worse.",
                _ => "Nothing is pinned and no question has been kept: there is nothing to compare by.",
            },
        };
        if (gone > 0)
        {
            notes.Add($"{gone} pinned questions whose memory is gone were left out.");
        }

        if (compared.Count < asked.Count)
        {
            notes.Add($"{asked.Count - compared.Count} questions were left out: a model could make nothing of them, or there was no time.");
        }

        foreach (var space in new[] { baseline, candidate }.Where(s => s is { FilledAt: null }))
        {
            notes.Add($"Space {space.Id} is not filled yet: what has no vector there counts as not found.");
        }

        return string.Join(' ', notes);
    }

    private sealed record Asked(string Query, QueryScope Scope, Guid? MemoryId);
}
