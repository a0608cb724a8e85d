using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Mahavishnu.Embeddings;
using Mahavishnu.Ingest;
using Mahavishnu.Search;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Client.Tests;

/// <summary>A memory on a database of its own, and an application that uses the client as its documentation says.</summary>
internal sealed class ClientWorld : IAsyncDisposable
{
    private readonly TestDatabase _database;

    private ClientWorld(TestDatabase database, TestHost host)
    {
        _database = database;
        Host = host;
    }

    public TestHost Host { get; }

    public static async Task<ClientWorld> StartAsync(PostgresFixture postgres, params (string Key, string? Value)[] settings)
    {
        var database = await postgres.CreateDatabaseAsync();
        try
        {
            return new ClientWorld(database, await TestHost.StartAsync(
                database.ConnectionString,
                builder =>
                {
                    builder.AddEmbeddings();
                    builder.AddIngest();
                    builder.AddSearch();
                },
                app =>
                {
                    app.MapIngest();
                    app.MapSearch();
                },
                [("Embedding:IdleSeconds", "0.1"), .. settings]));
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public Application Connect(Action<ChatMemoryOptions>? memory = null, string? key = null) => new(Host.Address, memory, key);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _database.DisposeAsync();
    }
}

internal sealed class Application : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public Application(Uri address, Action<ChatMemoryOptions>? memory = null, string? key = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(l => l.AddProvider(Log));
        services.AddMahavishnuClient(client =>
        {
            client.Address = address;
            client.ApiKey = key;
        });
        services.Configure(memory ?? (_ => { }));
        _services = services.BuildServiceProvider();
    }

    public Lines Log { get; } = new();

    public ChatMemory Memory => Get<ChatMemory>();

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>What was logged.</summary>
    internal sealed class Lines : ConcurrentQueue<string>, ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>A model's place: keeps what it was asked, and answers in two parts.</summary>
internal sealed class Listener : IChatClient
{
    public List<ChatMessage> Heard { get; private set; } = [];

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Heard = [.. messages];
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, "I see: ");
        yield return new ChatResponseUpdate(ChatRole.Assistant, Heard[^1].Text);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
