using Mahavishnu.Contracts;

namespace Mahavishnu.Search;

/// <summary>The way of a recall: executions with a similar goal by an ordinary search, then what all executions of their kind came to.</summary>
internal sealed class WorkflowRecall(Searcher searcher, RecallStore store)
{
    private const int Hits = 100;

    // A workflow that ran a thousand times fills a search by itself; without it the next one shows the others.
    private const int MostSearches = 3;

    private static readonly FilterField Repos = new(FilterField.Metadata, FieldKind.Json, ["repos"]);
    private static readonly FilterField WorkflowId = new("workflowId", FieldKind.Text, []);

    public async Task<RecallResponse> RecallAsync(Question question, int groups, CancellationToken ct)
    {
        var asked = question with { RepoId = null, Limit = Hits };
        var on = question.RepoId is { } repo ? new Condition(Repos, FilterOperator.Contains, [repo]) : null;
        var hits = new List<SearchHit>();
        var workflows = new HashSet<string>(StringComparer.Ordinal);
        SearchResponse response;
        var searches = 0;
        do
        {
            Filter? others = workflows.Count > 0 ? new Not(new Condition(WorkflowId, FilterOperator.In, [.. workflows])) : null;
            response = (await searcher.SearchAsync(asked with { Filter = Both(on, others) }, unified: false, ct))!;
            hits.AddRange(response.Hits);
            workflows.UnionWith(response.Hits.Select(h => h.WorkflowId).OfType<string>());
        }
        while (response.Hits.Count == Hits && workflows.Count < groups && ++searches < MostSearches);

        return new RecallResponse(await store.CountAsync(question, hits, groups, ct), response.Model, response.Degraded);
    }

    private static Filter? Both(Filter? one, Filter? other) => one is not null && other is not null ? new AllOf([one, other]) : one ?? other;
}
