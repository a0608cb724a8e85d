using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>Hits of a search that asked about another time, or about what was superseded, as they are to be shown. Other searches pass without a look.</summary>
internal sealed class FormerStates(MemoryTimeStore store)
{
    public async Task<IReadOnlyList<SearchHit>> ShowAsync(Question question, IReadOnlyList<SearchHit> hits, CancellationToken ct)
    {
        if (hits.Count == 0 || question is { AsOf: null, IncludeSuperseded: false })
        {
            return hits;
        }

        Guid[] ids = [.. hits.Select(h => h.Id)];
        if (question.AsOf is not { } time)
        {
            var superseded = await store.SupersededAsync(ids, ct);
            return [.. hits.Select(h => superseded.TryGetValue(h.Id, out var by) ? h with { SupersededBy = by } : h)];
        }

        var then = await store.FindAsync(ids, time, ct);
        // One that was erased since it was found is left out.
        return [.. hits.Where(h => then.ContainsKey(h.Id)).Select(h => Show(h, then[h.Id]))];
    }

    private static SearchHit Show(SearchHit hit, Memory then) => hit with
    {
        Title = then.Title,
        Content = then.Content,
        Tags = then.Tags,
        ProjectId = then.ProjectId,
        AgentId = then.AgentId,
        WorkflowId = then.WorkflowId,
        SessionId = then.SessionId,
        Metadata = then.Metadata,
        OccurredAt = then.OccurredAt,
        SupersededBy = then.SupersededBy,
        ShownVersion = then.Version,
    };
}
