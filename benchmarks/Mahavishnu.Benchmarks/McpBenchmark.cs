using Mahavishnu.Contracts;
using ModelContextProtocol.Client;

namespace Mahavishnu.Benchmarks;

/// <summary>What a search costs more over MCP than over REST: questions of the same kind to the same gateway, one client, by turns.</summary>
internal sealed class McpBenchmark : IBenchmark
{
    // Ours: a tool call is a search and a little wrapping.
    private const double MostMore = 5;
    private const int WarmUp = 200;
    private const int Hits = 10;

    public string Name => "mcp";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 20_000), ct);
        await using var copy = database;
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var rest = new SearchClient(system.Http);
        await using var mcp = await McpClient.CreateAsync(
            new HttpClientTransport(
                new HttpClientTransportOptions { Endpoint = new Uri(system.Http.BaseAddress!, Resources.Mcp), TransportMode = HttpTransportMode.StreamableHttp }, system.Http, ownsHttpClient: false),
            cancellationToken: ct);
        Task OverRest(int n, CancellationToken token) => rest.SearchAsync(new SearchRequest { Query = SyntheticQuestion.Text(n), Limit = Hits }, token);
        async Task OverMcp(int n, CancellationToken token)
        {
            var result = await mcp.CallToolAsync(
                "search_memories", new Dictionary<string, object?>(StringComparer.Ordinal) { ["query"] = SyntheticQuestion.Text(n), ["limit"] = Hits }, cancellationToken: token);
            if (result.IsError == true || result.StructuredContent is null)
            {
                throw new InvalidOperationException("A search over MCP was refused.");
            }
        }

        var turns = arguments.Number("turns", 1_000);
        await Latencies.OfTurnsAsync(Math.Min(WarmUp, turns), OverRest, OverMcp, ct);
        // No question is asked twice in a row: whoever came second would find its rows in memory.
        var (overRest, overMcp) = await Latencies.OfTurnsAsync(turns, (n, token) => OverRest(2 * n, token), (n, token) => OverMcp((2 * n) + 1, token), ct);
        return
        [
            new("REST p50", overRest.Percentile(0.5), "ms"),
            new("MCP p50", overMcp.Percentile(0.5), "ms"),
            new("MCP − REST p50", overMcp.Percentile(0.5) - overRest.Percentile(0.5), "ms", AtMost: MostMore),
            new("REST p95", overRest.Percentile(0.95), "ms"),
            new("MCP p95", overMcp.Percentile(0.95), "ms"),
            new("MCP − REST p95", overMcp.Percentile(0.95) - overRest.Percentile(0.95), "ms"),
        ];
    }
}
