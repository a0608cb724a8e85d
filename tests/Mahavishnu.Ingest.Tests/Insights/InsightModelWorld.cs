using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Ingest with a language model on the wire, which finds one insight in every message that <see cref="Message"/> makes.</summary>
public abstract class InsightModelWorld(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>What else a message says.</summary>
    protected const string Padding = " Then the build went on, the tests were run again, one after the other, and the log was read line by line until the cause of it all was clear to everybody who was there to see it.";

    private TestHost? _running;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected TestDatabase Database { get; private set; } = null!;

    protected OllamaServer Ollama { get; } = new(0, StandInModel.Chatting, StandInModel.AllMiniLm);

    protected TestHost Host => _running!;

    protected InsightsClient Insights => new(Host.Http);

    public async ValueTask InitializeAsync()
    {
        Database = await postgres.CreateDatabaseAsync();
        await Ollama.StartAsync();
        Ollama.Behaviour.Say = static call => Answer([.. Texts(call).Select((t, i) => Said(i + 1, t))]);
    }

    public async ValueTask DisposeAsync()
    {
        Ollama.Behaviour.ReleaseChats();
        if (_running is not null)
        {
            await _running.DisposeAsync();
        }

        await Ollama.DisposeAsync();
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected static string Quote(int i) => $"Batch number {i} deadlocked because rows were locked out of order";

    protected static string Content(int i) => $"Lock the rows of batch number {i} in the order of their ids, or two batches deadlock.";

    protected static string Message(int i) => $"I looked into it. {Quote(i)}.{Padding}";

    protected static string Marked(string body) => $"`★ Insight {new string('─', 37)}`\n{body}\n`{new string('─', 49)}`";

    /// <summary>The messages as the model is shown them.</summary>
    protected static IReadOnlyList<string> Texts(StandInChatCall call) =>
        [.. JsonNode.Parse(call.Messages[^1].Content)!["messages"]!.AsArray().Select(m => (string)m!["text"]!)];

    protected static string Answer(params IEnumerable<JsonObject> insights) => new JsonObject { ["insights"] = new JsonArray([.. insights]) }.ToJsonString();

    /// <summary>What a good model says of a message that <see cref="Message"/> made.</summary>
    protected static JsonObject Said(int n, string text, Action<JsonObject>? change = null)
    {
        var at = text.IndexOf("number ", StringComparison.Ordinal);
        var number = at < 0 ? 0 : int.Parse(text[(at + 7)..].Split(' ')[0], CultureInfo.InvariantCulture);
        var insight = new JsonObject
        {
            ["message"] = n,
            ["quote"] = Quote(number),
            ["content"] = Content(number),
            ["type"] = InsightTypes.Gotcha,
            ["topics"] = new JsonArray("locks", "sql", "locks"),
            ["confidence"] = 0.75,
        };
        change?.Invoke(insight);
        return insight;
    }

    protected (string, string?)[] Settings(params (string, string?)[] settings) =>
    [
        ("OLLAMA_BASE_URL", Ollama.Url), ("Embedding:Provider", EmbeddingProviders.Builtin), ("Insights:Model:Name", "llama3.2"), ("Insights:Model:RetrySeconds", "0.05"), .. settings,
    ];

    protected async Task StartAsync(params (string, string?)[] settings) => _running = await IngestHost.StartAsync(Database, Settings(settings));

    protected Task<IReadOnlyList<Insight>> ExpectAsync(int insights) => Eventually.Async(
        async () => (await Insights.ListAsync([new("extracted", "true")], Ct)).Items, items => items.Count == insights, $"{insights} insights");

    protected Task NothingWaitsAsync() => Eventually.Async(
        () => Insights.StatusAsync(Ct), s => s is { Waiting: 0, Model.Waiting: 0 }, "Nothing waits any more");

    protected async Task<ExtractionResult> SweepAsync(ExtractInsightsRequest request)
    {
        var operation = await Insights.ExtractAsync(request, Ct);
        operation = await Eventually.Async(() => Host.Operations.GetAsync(operation.Id, Ct), o => OperationStates.IsFinal(o.State), "The sweep ends");
        Assert.Equal((OperationStates.Completed, null), (operation.State, operation.Error));
        return operation.Result!.Value.Deserialize<ExtractionResult>(WireJson.Lenient)!;
    }
}
