using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>SIGTERM in the middle of everything: what was accepted is there, what was claimed is given back, and the end comes in time whoever does not answer.</summary>
public sealed class StoppingTests(PostgresFixture postgres)
{
    // An orchestrator kills then, and nothing is given back.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task Under_load_nothing_accepted_is_lost_and_nothing_stays_claimed(string deployment)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        Fill(roots);
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        ollama.Behaviour.Delay = TimeSpan.FromMilliseconds(300);
        // A lease that outlasts the test: only what is given back is free afterwards.
        await using var system = Deployments.Make(
            deployment, database.ConnectionString, roots,
            [.. Ollama.Settings(ollama, StandInModel.AllMiniLm), ("Embedding__LeaseSeconds", "3600"), ("Embedding__ClaimItems", "20"), ("Ingest__Repositories__ChunksPerTransaction", "20")]);
        await system.StartAsync();
        var accepted = new ConcurrentQueue<Guid>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var writers = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => WriteAsync(system.Http, accepted, end.Token)));
        await system.Repositories.IngestAsync(new IngestRepositoryRequest { Path = Path.Combine(roots.Path, "repo"), RepoId = "stopped" }, Ct);
        await Eventually.Async(
            async () => ollama.Record.Now > 0 && accepted.Count > 50 && await database.ScalarAsync<long>("SELECT count(*) FROM rag_files") > 40
                && await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE claim IS NOT NULL") > 0,
            "Writing, ingesting and embedding at the same time", TimeSpan.FromMinutes(1));

        await StopInTimeAsync(system);
        await end.CancelAsync();
        await writers;

        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM unnest($1::uuid[]) AS id WHERE NOT EXISTS (SELECT FROM memories m WHERE m.id = id.id)", accepted.ToArray()));
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE claim IS NOT NULL"));
        Assert.Empty(await database.RowsAsync("SELECT kind, subject, state, claim FROM operations WHERE claim IS NOT NULL OR state NOT IN ('queued', 'completed')"));
    }

    [Theory]
    [InlineData(Deployments.Together, "http/protobuf")]
    [InlineData(Deployments.Apart, "grpc")]
    public async Task A_collector_and_a_model_that_do_not_answer_hold_nobody_up(string deployment, string protocol)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        using var roots = new Folder();
        using var collector = new Silence();
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        await using var system = Deployments.Make(
            deployment, database.ConnectionString, roots,
            [.. Ollama.Settings(ollama, StandInModel.AllMiniLm), ("Embedding__LeaseSeconds", "3600"), ("Search__EmbeddingTimeoutMs", "600000"),
             ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "500")]);
        await system.StartAsync();
        var first = await system.Memories.AddAsync(new NewMemory { Content = "The tabla is tuned with a hammer." }, Ct);
        await Eventually.Async(() => system.Memories.GetAsync(first.Id, Ct), m => m.Embedding == EmbeddingStates.Ready, "A vector while the model answers", TimeSpan.FromMinutes(1));

        ollama.Behaviour.Hold();
        await system.Memories.AddAsync(new NewMemory { Content = "The hammer is made of brass." }, Ct);
        await Eventually.Async(() => Task.FromResult(ollama.Record.Now == 1), "A memory in the hands of the model");
        var search = system.Http.PostAsJsonAsync("/api/v1/search", new { query = "what is the hammer made of" }, Ct);
        await Eventually.Async(() => Task.FromResult(ollama.Record.Now == 2), "A question in the hands of the model");
        await Eventually.Async(() => Task.FromResult(collector.Callers > 0), "Telemetry on its way");

        await StopInTimeAsync(system);

        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE claim IS NOT NULL"));
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue"));
        await search.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        ollama.Behaviour.Release();
    }

    private static async Task StopInTimeAsync(MahavishnuSystem system)
    {
        var began = Stopwatch.GetTimestamp();
        var codes = await system.StopAsync();
        var took = Stopwatch.GetElapsedTime(began);

        Assert.True(codes.All(code => code == 0), $"{string.Join(", ", codes)}\n{system.Output}");
        Assert.True(took < Promised, $"{took}\n{system.Output}");
    }

    /// <summary>A client that goes on until nobody listens any more.</summary>
    private static async Task WriteAsync(HttpClient http, ConcurrentQueue<Guid> accepted, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            var id = Guid.CreateVersion7();
            try
            {
                using var answer = await http.PostAsJsonAsync("/api/v1/memories", new { id, content = $"written under load {id}" }, ct);
                if (answer.IsSuccessStatusCode)
                {
                    accepted.Enqueue(id);
                }
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // Nothing was promised.
            }
        }
    }

    private static void Fill(Folder roots)
    {
        for (var file = 0; file < 800; file++)
        {
            var words = string.Join(' ', Enumerable.Range(0, 600).Select(w => string.Create(CultureInfo.InvariantCulture, $"word{w * 7}of{file}")));
            roots.Write(string.Create(CultureInfo.InvariantCulture, $"repo/docs/{file % 20}/page{file}.md"), $"# A page\n\n{words}\n");
        }
    }

    /// <summary>Takes every connection and says nothing.</summary>
    private sealed class Silence : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly ConcurrentQueue<Socket> _callers = new();

        public Silence()
        {
            _listener.Start();
            _ = ListenAsync();
        }

        public string Url => $"http://{_listener.LocalEndpoint}";

        public int Callers => _callers.Count;

        public void Dispose()
        {
            _listener.Stop();
            foreach (var caller in _callers)
            {
                caller.Dispose();
            }
        }

        private async Task ListenAsync()
        {
            try
            {
                while (true)
                {
                    _callers.Enqueue(await _listener.AcceptSocketAsync(CancellationToken.None));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
