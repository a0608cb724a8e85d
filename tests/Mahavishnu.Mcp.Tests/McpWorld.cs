using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Ingest;
using Mahavishnu.Migration;
using Mahavishnu.Search;
using Mahavishnu.ServiceDefaults;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp.Tests;

/// <summary>The agents' door over the real modules, on a database of its own, and a client of the protocol.</summary>
internal sealed class McpWorld : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly string? _key;

    private McpWorld(TestDatabase database, TestHost host, string? key)
    {
        _database = database;
        _key = key;
        Host = host;
        if (key is not null)
        {
            host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    public TestHost Host { get; }

    public MemoriesClient Memories => Host.Memories;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<McpWorld> StartAsync(PostgresFixture postgres, params (string Key, string? Value)[] settings)
    {
        var database = await postgres.CreateDatabaseAsync();
        try
        {
            var host = await TestHost.StartAsync(
                database.ConnectionString,
                builder =>
                {
                    builder.AddEmbeddings();
                    builder.AddIngest();
                    builder.AddSearch();
                    builder.AddMigration();
                    builder.AddServiceClients();
                    builder.AddMcp();
                },
                app =>
                {
                    app.MapIngest();
                    app.MapSearch();
                    app.MapMigration();
                    app.MapMcp();
                },
                [("Embedding:IdleSeconds", "0.1"), .. settings]);
            host.App.AnswerToEveryName();
            return new McpWorld(database, host, settings.FirstOrDefault(s => s.Key == "Auth:ApiKey").Value);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <param name="protocol">Null: the newest revision that both sides know.</param>
    public Task<McpClient> ConnectAsync(string? protocol = null) => McpClient.CreateAsync(
        new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new Uri(Host.Address, Resources.Mcp),
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = _key is null ? null : new Dictionary<string, string>(StringComparer.Ordinal) { ["Authorization"] = $"Bearer {_key}" },
        }),
        new McpClientOptions { ProtocolVersion = protocol },
        cancellationToken: Ct);

    /// <summary>A memory that has its vector.</summary>
    public async Task<Memory> RememberAsync(string content, string? project = null, string type = MemoryTypes.Agent)
    {
        var stored = await Memories.AddAsync(new NewMemory { Content = content, ProjectId = project, Type = type }, Ct);
        return await Eventually.Async(() => Memories.GetAsync(stored.Id, Ct), m => m.Embedding == EmbeddingStates.Ready, "The embedding");
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _database.DisposeAsync();
    }
}

internal static class Calling
{
    /// <summary>Calls a tool with arguments as a model writes them.</summary>
    public static async Task<CallToolResult> AskAsync(this McpClient client, string tool, string arguments = "{}") =>
        await client.CallToolAsync(
            tool,
            JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(arguments)!.ToDictionary(a => a.Key, a => (object?)a.Value, StringComparer.Ordinal),
            cancellationToken: TestContext.Current.CancellationToken);

    public static string Text(this CallToolResult result) => result.Content.OfType<TextContentBlock>().Single().Text;

    /// <summary>The structured answer of a call that went well.</summary>
    public static JsonObject Answer(this CallToolResult result)
    {
        Assert.True(result.IsError is not true, result.Text());
        return JsonNode.Parse(result.StructuredContent!.Value.GetRawText())!.AsObject();
    }

    /// <summary>The message of a call that was refused.</summary>
    public static string Refusal(this CallToolResult result)
    {
        Assert.True(result.IsError, "The call was not refused.");
        return result.Text();
    }
}
