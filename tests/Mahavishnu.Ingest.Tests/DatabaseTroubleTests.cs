using System.Collections.Concurrent;
using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The database goes and comes back; clients come and go. Nothing accepted is lost, and nothing leaks.</summary>
public sealed class DatabaseTroubleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_database_that_stops_under_load_costs_503_and_no_accepted_memory()
    {
        await using var cable = new Cable(_database.ConnectionString);
        await using var host = await TestHost.StartAsync(
            cable.ConnectionString,
            builder =>
            {
                Mahavishnu.Embeddings.EmbeddingsModule.AddEmbeddings(builder);
                builder.AddIngest();
            },
            app => app.MapIngest(),
            ("Embedding:LeaseSeconds", "2"),
            ("Database:ConnectTimeoutSeconds", "2"));
        var accepted = new ConcurrentBag<string>();
        var refused = new ConcurrentBag<Answer>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);

        var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(
            async () =>
            {
                for (var i = 0; !enough.IsCancellationRequested; i++)
                {
                    var content = $"writer {writer} memory {i}";
                    var answer = await host.Http.PostAsync("/memories", $$"""{"content":"{{content}}"}""");
                    if (answer.Status is HttpStatusCode.Created or HttpStatusCode.OK)
                    {
                        accepted.Add(content);
                    }
                    else
                    {
                        refused.Add(answer);
                        await Task.Yield();
                    }
                }
            },
            Ct)).ToList();
        await Eventually.Async(() => Task.FromResult(accepted.Count > 40), "Memories before the trouble");
        cable.Pull();
        await Eventually.Async(() => Task.FromResult(refused.Count > 20), "Refusals");
        cable.PlugIn();
        var before = accepted.Count;
        await Eventually.Async(() => Task.FromResult(accepted.Count > before + 40), "Memories after the trouble");
        await enough.CancelAsync();
        await Task.WhenAll(writers);

        Assert.All(refused, answer =>
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (answer.Status, answer.Code));
            Assert.NotEmpty(answer.Headers.GetValues("Retry-After"));
        });
        var stored = (await _database.RowsAsync("SELECT content FROM memories")).Select(r => (string)r[0]!).ToList();
        Assert.Empty(accepted.Except(stored, StringComparer.Ordinal));
        Assert.Equal(stored.Count, stored.Distinct(StringComparer.Ordinal).Count());
        await Eventually.Async(async () => (await host.Admin.EmbeddingsAsync(Ct)).Queue is { Pending: 0, Running: 0 }, "An empty queue");
        Assert.Equal(stored.Count, (await host.Admin.EmbeddingsAsync(Ct)).Spaces.Single().Vectors);
    }

    [Fact]
    public async Task Requests_of_every_kind_cancelled_ones_too_leave_no_connection_behind()
    {
        await using var host = await IngestHost.StartAsync(_database, ("Database:MaxPoolSize", "8"), ("Embedding:Workers", "0"));
        var memory = await host.Memories.AddAsync(new NewMemory { Content = "x" }, Ct);
        var lines = string.Join('\n', Enumerable.Range(0, 200).Select(i => $$"""{"content":"line {{i}}"}"""));

        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Ct }, async (i, ct) =>
        {
            using var impatience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            using var request = (i % 8) switch
            {
                0 => new HttpRequestMessage(HttpMethod.Post, "/api/v1/memories") { Content = Asking.Content($$"""{"content":"{{i}}"}""", "application/json") },
                1 => new HttpRequestMessage(HttpMethod.Post, "/api/v1/memories:batch") { Content = Asking.Content(lines, "application/x-ndjson") },
                2 => new HttpRequestMessage(HttpMethod.Get, "/api/v1/memories?limit=1000"),
                3 => new HttpRequestMessage(HttpMethod.Get, $"/api/v1/memories/{memory.Id}/history"),
                4 => new HttpRequestMessage(HttpMethod.Post, "/api/v1/memories") { Content = Asking.Content("""{"content":""}""", "application/json") },
                5 => new HttpRequestMessage(HttpMethod.Get, $"/api/v1/memories/{Guid.NewGuid()}"),
                6 => new HttpRequestMessage(HttpMethod.Get, "/api/v1/embeddings"),
                _ => new HttpRequestMessage(HttpMethod.Get, "/api/v1/operations?limit=5"),
            };
            if (i % 3 == 0)
            {
                impatience.CancelAfter(TimeSpan.FromMilliseconds(i % 20));
            }

            try
            {
                using var response = await host.Http.SendAsync(request, impatience.Token);
                Assert.True((int)response.StatusCode < 500, $"{request.RequestUri} {response.StatusCode}");
            }
            catch (OperationCanceledException) when (impatience.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                // As many clients do.
            }
        });

        // Idle for two seconds they are closed; what was never given back would stay.
        await Eventually.Async(
            () => _database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"), n => n == 0, "Rest");
        await Eventually.Async(
            () => _database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"), n => n <= 3, "The pool's shrinking");
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE content = 'line 7'"));
    }
}
