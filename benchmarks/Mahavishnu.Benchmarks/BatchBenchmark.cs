using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.OllamaStandIn;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Benchmarks;

/// <summary>10,000 memories by batch, against one by one, and against the plan's way (one request, one embedding, one insert) with a model that takes 20 ms a call.</summary>
internal sealed class BatchBenchmark : IBenchmark
{
    private static readonly TimeSpan ModelCall = TimeSpan.FromMilliseconds(20);

    public string Name => "batch";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var count = arguments.Number("memories", 10_000);
        var (batch, batchEmbedded) = await MeasureAsync(count, null, (client, memories) => client.AddBatchAsync(memories, ct: ct), ct);
        var (single, _) = await MeasureAsync(count, null, async (client, memories) =>
        {
            foreach (var memory in memories)
            {
                await client.AddAsync(memory, ct);
            }
        }, ct);
        await using var model = await OllamaServer.StartNewAsync();
        model.Behaviour.Delay = ModelCall;
        var (slow, slowEmbedded) = await MeasureAsync(count, StandIn.Settings(model, model.Behaviour.Parallel), (client, memories) => client.AddBatchAsync(memories, ct: ct), ct);
        var plan = await MeasurePlanAsync(Math.Min(count, 300), ct);
        return
        [
            new("by batch, accepted", batch, "memories/s"),
            new("by batch, embedded", batchEmbedded, "memories/s"),
            new("one by one, accepted", single, "memories/s"),
            new("batch : one by one", batch / single, "×", AtLeast: 8),
            new("20 ms model: by batch, accepted", slow, "memories/s"),
            new("20 ms model: by batch, embedded", slowEmbedded, "memories/s"),
            new("20 ms model: the plan's way, accepted and embedded", plan, "memories/s"),
            new("20 ms model: batch accepted : the plan's way", slow / plan, "×", AtLeast: 100),
            new("20 ms model: batch embedded : the plan's way", slowEmbedded / plan, "×"),
        ];
    }

    private static async Task<(double Accepted, double Embedded)> MeasureAsync(
        int count, IReadOnlyDictionary<string, string?>? settings, Func<MemoriesClient, List<NewMemory>, Task> write, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetTempPath(), settings, ct);
        var client = new MemoriesClient(server.Http);
        await client.AddBatchAsync(Remarks.Make("warm", 200), ct: ct);
        var memories = Remarks.Make("run", count);
        var clock = Stopwatch.StartNew();
        await write(client, memories);
        var accepted = clock.Elapsed;
        await server.UntilEmbeddedAsync(ct);
        return (count / accepted.TotalSeconds, count / clock.Elapsed.TotalSeconds);
    }

    /// <summary>What the plan's service does for each memory: wait for the model, then insert one row with its vector, in a transaction of its own.</summary>
    private static async Task<double> MeasurePlanAsync(int count, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var plan = new PlanStore(database.ConnectionString);
        await plan.PrepareAsync(ct);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal) { ["urls"] = "http://127.0.0.1:0" });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var app = builder.Build();
        var model = new SlowEmbeddings(new HashEmbeddingGenerator(), ModelCall);
        app.MapPost("/memories", async (NewMemory memory, CancellationToken requestCt) =>
        {
            var vector = await model.GenerateVectorAsync(memory.Content!, cancellationToken: requestCt);
            await plan.InsertAsync(memory.Content!, vector, requestCt);
            return Results.Created();
        });
        await app.StartAsync(ct);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        var clock = Stopwatch.StartNew();
        foreach (var memory in Remarks.Make("plan", count))
        {
            (await http.PostAsJsonAsync(new Uri("memories", UriKind.Relative), memory, ct)).EnsureSuccessStatusCode();
        }

        return count / clock.Elapsed.TotalSeconds;
    }

    /// <summary>A model that needs a fixed time for each call, whatever it is asked.</summary>
    private sealed class SlowEmbeddings(IEmbeddingGenerator<string, Embedding<float>> inner, TimeSpan call) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
    {
        public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            await Task.Delay(call, cancellationToken);
            return await base.GenerateAsync(values, options, cancellationToken);
        }
    }
}
