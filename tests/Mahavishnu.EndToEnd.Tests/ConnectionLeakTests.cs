using System.Collections.Concurrent;
using System.Net.Http.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>However requests end, their connections come back.</summary>
public sealed class ConnectionLeakTests(PostgresFixture postgres)
{
    private const int Requests = 2_000;
    private const int AtOnce = 16;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task After_2000_mixed_requests_only_the_warm_connections_are_left(string deployment)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        using var roots = new Folder();
        await using var system = Deployments.Make(deployment, database.ConnectionString, roots);
        await system.StartAsync();
        var counts = new Counts();

        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
            async (i, ct) => await RequestAsync(system.Http, i, counts, ct));

        // The mixture was one: answers of each kind, and clients that left in between.
        Assert.True(counts.Failures.Count == 0, $"{string.Join('\n', counts.Failures)}\n{system.Output}");
        Assert.True(counts is { Answered: > 1_000, Left: > 20 }, counts.ToString());
        var warm = system.DatabaseProcesses * MahavishnuSystem.WarmConnections;
        await Eventually.Async(
            () => database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''"),
            open => open <= warm,
            $"The return to {warm} connections",
            TimeSpan.FromMinutes(1));
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"));
        await system.Memories.AddAsync(new NewMemory { Content = "Still there." }, TestContext.Current.CancellationToken);
    }

    private static async Task RequestAsync(HttpClient http, int i, Counts counts, CancellationToken ct)
    {
        // Every fourth client leaves before, while or after its request is worked on.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (i % 4 == 3)
        {
            patience.CancelAfter(TimeSpan.FromMilliseconds(i % 40));
        }

        try
        {
            using var request = Request(i);
            using var answer = await http.SendAsync(request, patience.Token);
            counts.Count((int)answer.StatusCode, $"{request.RequestUri}: {await answer.Content.ReadAsStringAsync(patience.Token)}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested && i % 4 == 3)
        {
            counts.CountLeft();
        }
    }

    private static HttpRequestMessage Request(int i) => (i % 7) switch
    {
        0 => Post("memories", new { content = $"memory {i}", projectId = "leak" }),
        1 => Post("search", new { query = $"memory {i}", limit = 5 }),
        2 => Post("memories:batch", new { memories = Enumerable.Range(0, 40).Select(n => new { content = $"item {n} of {i}" }) }),
        3 => new HttpRequestMessage(HttpMethod.Get, "/api/v1/memories?limit=20"),
        4 => new HttpRequestMessage(HttpMethod.Get, $"/api/v1/memories/{Guid.NewGuid()}"),
        5 => Post("memories", new { content = "" }),
        _ => Post("search", new { query = "item", mode = "vector", filter = new { field = "metadata.n", op = "gt", value = 1 } }),
    };

    private static HttpRequestMessage Post(string route, object body) => new(HttpMethod.Post, $"/api/v1/{route}") { Content = JsonContent.Create(body) };

    private sealed class Counts
    {
        private readonly ConcurrentQueue<string> _failures = new();
        private int _answered;
        private int _left;

        public int Answered => _answered;

        public int Left => _left;

        /// <summary>Answers that no client is to blame for.</summary>
        public IReadOnlyCollection<string> Failures => _failures;

        public void Count(int status, string answer)
        {
            Interlocked.Increment(ref _answered);
            if (status >= 500)
            {
                _failures.Enqueue(answer);
            }
        }

        public void CountLeft() => Interlocked.Increment(ref _left);

        public override string ToString() => $"{Answered} answered, {Left} left";
    }
}
