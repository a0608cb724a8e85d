using System.Net.Http.Headers;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Search;

namespace Mahavishnu.Benchmarks;

/// <summary>What is asked.</summary>
internal enum SearchKind
{
    Memories,
    Unified,
    Projects,
}

/// <summary>One kind of search, asked bare and through the gateway: the same questions, by turns and then by many clients at once.</summary>
internal sealed class SearchLoad
{
    private readonly BareSearch _bare;
    private readonly HttpClient _http;
    private readonly Uri _route;
    private readonly IReadOnlyList<BareRequest> _requests;
    private readonly IReadOnlyList<byte[]> _bodies;

    private SearchLoad(BareSearch bare, HttpClient http, Uri route, IReadOnlyList<BareRequest> requests, IReadOnlyList<byte[]> bodies) =>
        (_bare, _http, _route, _requests, _bodies) = (bare, http, route, requests, bodies);

    /// <param name="questions">How many of them are asked.</param>
    /// <param name="request">The request of a question's number.</param>
    public static async Task<SearchLoad> PrepareAsync(BareSearch bare, HttpClient http, SearchKind kind, int questions, Func<int, SearchRequest> request, CancellationToken ct)
    {
        var requests = Enumerable.Range(0, questions).Select(n => request(n) with { Limit = SyntheticStore.Neighbours }).ToList();
        var prepared = new List<BareRequest>();
        foreach (var (number, one) in requests.Index())
        {
            var (plan, across) = await bare.PrepareAsync(one, number, ct);
            prepared.Add(new BareRequest(kind == SearchKind.Unified ? plan with { Question = plan.Question with { Origin = Origin.Any } } : plan, across));
        }

        var load = new SearchLoad(
            bare, http, new Uri($"{Resources.Api}/{Resources.SearchRoute}{kind switch { SearchKind.Unified => "/unified", SearchKind.Projects => "/projects", _ => "" }}", UriKind.Relative), prepared,
            requests.ConvertAll(r => JsonSerializer.SerializeToUtf8Bytes(r, r.GetType(), WireJson.Strict)));
        // Afterwards the service knows every question's vector, both pools are open, and all code has been run: a model's time is none of a search's.
        for (var question = 0; question < questions; question++)
        {
            await load.BareAsync(question, ct);
            await load.GatewayAsync(question, ct);
        }

        return load;
    }

    /// <summary>What the gateway's answers hold of the true neighbours.</summary>
    /// <returns>The share that was found, and the rows that should have come back and did not.</returns>
    public async Task<(double Recall, int Missing)> CompareAsync(IReadOnlyList<IReadOnlyList<Guid>> truth, CancellationToken ct)
    {
        var (found, expected, missing) = (0, 0, 0);
        for (var question = 0; question < _bodies.Count; question++)
        {
            var answer = JsonSerializer.Deserialize<SearchResponse>(await GatewayAsync(question, ct), WireJson.Lenient)!;
            if (answer.Degraded.Count > 0)
            {
                throw new InvalidOperationException($"A search was degraded by [{string.Join(", ", answer.Degraded)}].");
            }

            found += answer.Hits.Select(h => h.Id).Intersect(truth[question]).Count();
            expected += truth[question].Count;
            missing += truth[question].Count - answer.Hits.Count;
        }

        // A small store has nothing in a narrow scope.
        return (expected == 0 ? 1 : (double)found / expected, missing);
    }

    /// <summary>One client, bare and through the gateway by turns.</summary>
    public Task<(Latencies Bare, Latencies Gateway)> ByTurnsAsync(int rounds, CancellationToken ct) =>
        Latencies.OfTurnsAsync(_bodies.Count * rounds, BareAsync, GatewayAsync, ct);

    /// <summary>Many clients: bare, then through the gateway.</summary>
    public async Task<(Latencies Bare, Latencies Gateway)> ByManyAsync(int clients, TimeSpan duration, CancellationToken ct) =>
        (await Latencies.OfClientsAsync(clients, duration, BareAsync, ct), await Latencies.OfClientsAsync(clients, duration, GatewayAsync, ct));

    private Task BareAsync(int question, CancellationToken ct) => _bare.RunAsync(_requests[question % _requests.Count], ct);

    private async Task<byte[]> GatewayAsync(int question, CancellationToken ct)
    {
        using var body = new ByteArrayContent(_bodies[question % _bodies.Count]) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var answer = await _http.PostAsync(_route, body, ct);
        return answer.IsSuccessStatusCode
            ? await answer.Content.ReadAsByteArrayAsync(ct)
            : throw new InvalidOperationException($"A search was answered with {answer.StatusCode}: {await answer.Content.ReadAsStringAsync(ct)}");
    }
}
