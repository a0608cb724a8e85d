using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>From 768 dimensions to 384 and back, while others write and search: nobody notices but by the model's name.</summary>
public sealed class ModelSwitchTests(PostgresFixture postgres)
{
    private const int Before = 1_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task No_request_fails_and_no_answer_mixes_two_models(string deployment)
    {
        var (old, next) = (StandInModel.NomicEmbedText, StandInModel.AllMiniLm);
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        await using var ollama = await OllamaServer.StartNewAsync(old, next);
        await using var system = Deployments.Make(deployment, database.ConnectionString, roots, Ollama.Settings(ollama, old));
        await system.StartAsync();
        var first = (await system.Memories.AddBatchAsync([.. Enumerable.Range(0, Before).Select(i => new NewMemory { Content = SwitchLoad.Remark("early", i) })], ct: Ct)).Results.Select(r => r.Id!.Value).ToList();
        await DrainedAsync(database);
        await PinAsync(system, first);

        await using var load = new SwitchLoad(system);
        await load.MoreAsync("the old model's");
        var filled = await AddAsync(system, next);
        Assert.All(load.Answers, answer => Assert.Equal(old.Name, answer.Response.Model));
        var compared = await system.Admin.CompareSpacesAsync(filled.SpaceId, new CompareSpacesRequest(), Ct);
        var there = await system.Admin.ActivateSpaceAsync(filled.SpaceId, force: false, Ct);
        await AllOfAsync(load, next);
        var back = await system.Admin.ActivateSpaceAsync(there.PreviousId!.Value, force: false, Ct);
        await AllOfAsync(load, old);
        await load.StopAsync();

        Assert.Equal((next.Dimensions, true), (filled.Dimensions, filled.Memories >= Before));
        Assert.Equal(("pinned", old.Name, next.Name, false), (compared.Basis, compared.Baseline.Model, compared.Candidate.Model, compared.Worse));
        Assert.Equal((old.Name, filled.SpaceId), (back.Model, back.PreviousId));
        Assert.Empty(load.Failures);
        Unmixed(load.Answers, old, next);
        await DrainedAsync(database);
        await InBothAsync(database, there, first, load);
    }

    /// <summary>Questions that any model answers rightly: the memory's own words.</summary>
    private static async Task PinAsync(MahavishnuSystem system, List<Guid> memories)
    {
        var evaluations = new EvaluationsClient(system.Http);
        for (var i = 0; i < 5; i++)
        {
            await evaluations.PinAsync(new NewPinnedQuery { Query = SwitchLoad.Remark("early", i), MemoryId = memories[i].ToString() }, Ct);
        }
    }

    private static async Task<EmbeddingSpaceResult> AddAsync(MahavishnuSystem system, StandInModel model)
    {
        var operation = await system.Admin.AddSpaceAsync(new AddEmbeddingSpaceRequest { Model = model.Name }, Ct);
        var ended = await Eventually.Async(() => system.Operations.GetAsync(operation.Id, Ct), o => OperationStates.IsFinal(o.State), "The filling of the second space", TimeSpan.FromMinutes(1));
        Assert.True(ended.State == OperationStates.Completed, ended.Error?.Message);
        return ended.Result!.Value.Deserialize<EmbeddingSpaceResult>(WireJson.Lenient)!;
    }

    /// <summary>What is asked from now on is answered by this model, and only so.</summary>
    private static async Task AllOfAsync(SwitchLoad load, StandInModel model)
    {
        var since = load.Asked;
        await load.MoreAsync(model.Name);
        Assert.All(load.Answers.Where(a => a.Number > since), answer => Assert.Equal(model.Name, answer.Response.Model));
    }

    private static Task DrainedAsync(TestDatabase database) => Eventually.Async(
        async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "The embedding of all memories", TimeSpan.FromMinutes(1));

    /// <summary>Every similarity is the one that the answer's own model gives for question and memory; the other model gives another.</summary>
    private static void Unmixed(IReadOnlyList<SwitchAnswer> answers, StandInModel old, StandInModel next)
    {
        var (compared, telling) = (0, 0);
        foreach (var answer in answers)
        {
            var (own, other) = answer.Response.Model == old.Name ? (old, next) : (next, old);
            foreach (var hit in answer.Response.Hits.Where(h => h.Similarity is not null))
            {
                var expected = SwitchLoad.Similarity(own, answer.Question, hit.Content);
                Assert.True(
                    Math.Abs(expected - hit.Similarity!.Value) < SwitchLoad.HalfPrecision,
                    string.Create(CultureInfo.InvariantCulture, $"{own.Name} says {expected} for \"{answer.Question}\" and \"{hit.Content}\", the answer says {hit.Similarity}"));
                compared++;
                telling += Math.Abs(SwitchLoad.Similarity(other, answer.Question, hit.Content) - hit.Similarity.Value) > SwitchLoad.HalfPrecision ? 1 : 0;
            }
        }

        // The two models can be told apart by their numbers; else the above would prove nothing.
        Assert.True(compared > 100 && telling > compared / 2, $"{telling} of {compared} similarities tell the models apart");
    }

    /// <summary>What was there before and what came meanwhile has exactly one vector in each space.</summary>
    private static async Task InBothAsync(TestDatabase database, SpaceActivation there, List<Guid> first, SwitchLoad load)
    {
        var memories = first.Concat(load.Written).ToArray();
        foreach (var space in new[] { there.SpaceId, there.PreviousId!.Value })
        {
            Assert.Equal(
                [(long)memories.Length, (long)memories.Length],
                Assert.Single(await database.RowsAsync($"SELECT count(*), count(DISTINCT memory_id) FROM {Ollama.Table(space)} WHERE memory_id = ANY ($1)", memories)));
        }
    }
}
