using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Mahavishnu.Contracts;

/// <summary>Typed client of <c>/memories</c>. <paramref name="http"/> carries the base address and the API key.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class MemoriesClient(HttpClient http)
{
    public Task<Memory> AddAsync(NewMemory memory, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Post, "/memories", memory, ct);

    /// <param name="mode"><c>insert</c> or <c>upsert</c>.</param>
    public Task<BatchResult> AddBatchAsync(IReadOnlyCollection<NewMemory> memories, string mode = "insert", CancellationToken ct = default) =>
        http.SendAsync<BatchResult>(HttpMethod.Post, "/memories:batch", new { memories, mode }, ct);

    public Task<Memory> GetAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Get, $"/memories/{id}", null, ct);

    /// <summary>The memory as it was at a time; 404 where it was not there or deleted then.</summary>
    public Task<Memory> GetAsOfAsync(Guid id, DateTimeOffset asOf, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Get, $"/memories/{id}" + ApiHttp.Query(("asOf", WireTime.Format(asOf))), null, ct);

    /// <param name="filter">The query string's parameters as wire names and values (<c>type</c>, <c>repoId</c>, <c>includeSuperseded</c>, <c>asOf</c>, <c>limit</c>, …).</param>
    public Task<Page<Memory>> ListAsync(IEnumerable<KeyValuePair<string, string?>> filter, CancellationToken ct = default) =>
        http.SendAsync<Page<Memory>>(HttpMethod.Get, "/memories" + ApiHttp.Query([.. filter.Select(f => (f.Key, f.Value))]), null, ct);

    /// <param name="patch">An object with just the properties to change.</param>
    /// <param name="version">The version the change is based on.</param>
    public Task<Memory> PatchAsync(Guid id, object patch, int version, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Patch, $"/memories/{id}", patch, ct, Tag(version));

    public Task DeleteAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/memories/{id}", ct);

    public Task<Memory> RestoreAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Post, $"/memories/{id}:restore", null, ct);

    public Task<Page<MemoryVersion>> HistoryAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Page<MemoryVersion>>(HttpMethod.Get, $"/memories/{id}/history", null, ct);

    /// <param name="limit">Most of one page.</param>
    public Task<Page<MemoryVersion>> HistoryAsync(Guid id, int limit, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<MemoryVersion>>(
            HttpMethod.Get, $"/memories/{id}/history" + ApiHttp.Query(("limit", limit.ToString(CultureInfo.InvariantCulture)), ("cursor", cursor)), null, ct);

    /// <summary>Puts another memory in the place of one; the old one leaves lists and searches.</summary>
    /// <returns>The old one.</returns>
    public Task<Memory> SupersedeAsync(Guid id, Guid by, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Post, $"/memories/{id}:supersede", new SupersedeRequest(by.ToString()), ct);

    /// <summary>Takes a superseding back.</summary>
    public Task<Memory> UnsupersedeAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Memory>(HttpMethod.Post, $"/memories/{id}:unsupersede", null, ct);

    /// <summary>Removes a memory for good, with everything that repeats or points to it. Nothing brings it back.</summary>
    public Task EraseAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Post, $"/memories/{id}:erase", ct);

    private static EntityTagHeaderValue Tag(int version) => new($"\"{version.ToString(CultureInfo.InvariantCulture)}\"");
}

/// <summary>Typed client of <c>/search</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class SearchClient(HttpClient http)
{
    public Task<SearchResponse> SearchAsync(SearchRequest request, CancellationToken ct = default) =>
        http.SendAsync<SearchResponse>(HttpMethod.Post, "/search", request, ct);

    public Task<SearchResponse> UnifiedAsync(SearchRequest request, CancellationToken ct = default) =>
        http.SendAsync<SearchResponse>(HttpMethod.Post, "/search/unified", request, ct);

    public Task<SearchResponse> AcrossProjectsAsync(ProjectSearchRequest request, CancellationToken ct = default) =>
        http.SendAsync<SearchResponse>(HttpMethod.Post, "/search/projects", request, ct);
}

/// <summary>Typed client of <c>/repositories</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class RepositoriesClient(HttpClient http)
{
    /// <returns>The queued (or already running) operation.</returns>
    public Task<Operation> IngestAsync(IngestRepositoryRequest request, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, "/repositories", request, ct);

    public Task<Page<Repository>> ListAsync(CancellationToken ct = default) =>
        http.SendAsync<Page<Repository>>(HttpMethod.Get, "/repositories", null, ct);

    public Task<Repository> GetAsync(string repoId, CancellationToken ct = default) =>
        http.SendAsync<Repository>(HttpMethod.Get, $"/repositories/{Uri.EscapeDataString(repoId)}", null, ct);

    public Task DeleteAsync(string repoId, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/repositories/{Uri.EscapeDataString(repoId)}", ct);
}

/// <summary>Typed client of <c>/operations</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class OperationsClient(HttpClient http)
{
    public Task<Operation> GetAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Get, $"/operations/{id}", null, ct);

    public Task<Page<Operation>> ListAsync(string? kind = null, string? state = null, CancellationToken ct = default) =>
        http.SendAsync<Page<Operation>>(HttpMethod.Get, "/operations" + ApiHttp.Query(("kind", kind), ("state", state)), null, ct);

    public Task<Operation> CancelAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, $"/operations/{id}:cancel", null, ct);

    public Task<Operation> RetryAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, $"/operations/{id}:retry", null, ct);

    /// <summary>Follows the operation's server-sent events until it ends; the last one yielded is final.</summary>
    public async IAsyncEnumerable<Operation> WatchAsync(Guid id, [EnumeratorCancellation] CancellationToken ct = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Resources.Api}/operations/{id}/events");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        await ApiHttp.ThrowIfProblemAsync(response, ct);
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        await foreach (var item in System.Net.ServerSentEvents.SseParser.Create(stream).EnumerateAsync(ct))
        {
            // event: progress
            // data: {"id":"0198…","kind":"repository","state":"running",…}
            if (JsonSerializer.Deserialize<Operation>(item.Data, WireJson.Lenient) is { } operation)
            {
                yield return operation;
                if (OperationStates.IsFinal(operation.State))
                {
                    yield break;
                }
            }
        }
    }
}

/// <summary>Typed client of <c>/embeddings</c> and <c>/schema</c>: what an operator looks at and changes.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class AdminClient(HttpClient http)
{
    public Task<EmbeddingStatus> EmbeddingsAsync(CancellationToken ct = default) =>
        http.SendAsync<EmbeddingStatus>(HttpMethod.Get, "/embeddings", null, ct);

    /// <returns>The queued (or already running) operation of kind <see cref="OperationKinds.EmbeddingSpace"/>.</returns>
    public Task<Operation> AddSpaceAsync(AddEmbeddingSpaceRequest request, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, "/embeddings", request, ct);

    public Task<SpaceComparison> CompareSpacesAsync(int id, CompareSpacesRequest request, CancellationToken ct = default) =>
        http.SendAsync<SpaceComparison>(HttpMethod.Post, $"/embeddings/{Number(id)}:compare", request, ct);

    /// <param name="force">Also where the space is not filled yet, or worse than the active one.</param>
    public Task<SpaceActivation> ActivateSpaceAsync(int id, bool force = false, CancellationToken ct = default) =>
        http.SendAsync<SpaceActivation>(HttpMethod.Post, $"/embeddings/{Number(id)}:activate", new ActivateSpaceRequest { Force = force ? true : null }, ct);

    /// <returns>The queued (or already running) operation of kind <see cref="OperationKinds.Index"/>.</returns>
    public Task<Operation> BuildIndexAsync(int id, BuildIndexRequest request, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, $"/embeddings/{Number(id)}:index", request, ct);

    public Task DropSpaceAsync(int id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/embeddings/{Number(id)}", ct);

    /// <summary>Memories that could not be embedded, the latest failure first.</summary>
    public Task<Page<DeadLetter>> DeadLettersAsync(CancellationToken ct = default) =>
        http.SendAsync<Page<DeadLetter>>(HttpMethod.Get, "/embeddings/dead-letters", null, ct);

    /// <param name="limit">Most of one page.</param>
    public Task<Page<DeadLetter>> DeadLettersAsync(int limit, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<DeadLetter>>(HttpMethod.Get, "/embeddings/dead-letters" + ApiHttp.Query(("limit", Number(limit)), ("cursor", cursor)), null, ct);

    public Task<RetryResult> RetryDeadLettersAsync(IReadOnlyList<Guid>? memoryIds = null, CancellationToken ct = default) =>
        http.SendAsync<RetryResult>(HttpMethod.Post, "/embeddings/dead-letters:retry", new RetryRequest(memoryIds), ct);

    public Task<SchemaInfo> SchemaAsync(CancellationToken ct = default) =>
        http.SendAsync<SchemaInfo>(HttpMethod.Get, "/schema", null, ct);

    private static string Number(int id) => id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Typed client of <c>/evals</c>: questions that should find their memory.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class EvaluationsClient(HttpClient http)
{
    public Task<PinnedQuery> PinAsync(NewPinnedQuery pin, CancellationToken ct = default) =>
        http.SendAsync<PinnedQuery>(HttpMethod.Post, "/evals/pins", pin, ct);

    public Task<Page<PinnedQuery>> ListAsync(CancellationToken ct = default) =>
        http.SendAsync<Page<PinnedQuery>>(HttpMethod.Get, "/evals/pins", null, ct);

    /// <param name="limit">Most of one page.</param>
    public Task<Page<PinnedQuery>> ListAsync(int limit, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<PinnedQuery>>(
            HttpMethod.Get, "/evals/pins" + ApiHttp.Query(("limit", limit.ToString(CultureInfo.InvariantCulture)), ("cursor", cursor)), null, ct);

    public Task UnpinAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/evals/pins/{id}", ct);

    public Task<EvaluationResult> RunAsync(RunEvaluationRequest request, CancellationToken ct = default) =>
        http.SendAsync<EvaluationResult>(HttpMethod.Post, "/evals:run", request, ct);
}
