using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mahavishnu.TestSupport;

/// <summary>Modules on a real socket and a real database, with the pipeline every server has.</summary>
public sealed class TestHost : IAsyncDisposable
{
    private TestHost(WebApplication app)
    {
        App = app;
        Address = new Uri(app.Urls.First());
        // Who asks before sending waits for the answer: on a busy machine that takes longer than the second that is usual.
        Http = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromSeconds(30) }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public WebApplication App { get; }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => App.Services;

    public TestLog Log => Services.GetRequiredService<TestLog>();

    public MemoriesClient Memories => new(Http);

    public SearchClient Search => new(Http);

    public RepositoriesClient Repositories => new(Http);

    public OperationsClient Operations => new(Http);

    public AdminClient Admin => new(Http);

    public EvaluationsClient Evaluations => new(Http);

    public ConversationsClient Conversations => new(Http);

    public WorkflowsClient Workflows => new(Http);

    /// <summary>Starts on 127.0.0.1:0 and waits until <c>/health/ready</c> says so.</summary>
    /// <param name="add">The modules; service defaults and the database are there.</param>
    /// <param name="map">Their routes; the pipeline and the default endpoints are there.</param>
    /// <param name="settings">Configuration; wins over this host's own.</param>
    public static async Task<TestHost> StartAsync(
        string connectionString, Action<WebApplicationBuilder> add, Action<WebApplication> map, params (string Key, string? Value)[] settings)
    {
        var host = await StartUnreadyAsync(connectionString, add, map, settings);
        try
        {
            await host.WaitUntilReadyAsync();
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        return host;
    }

    /// <summary>As <see cref="StartAsync"/>, without waiting: for what happens before and without readiness.</summary>
    public static async Task<TestHost> StartUnreadyAsync(
        string connectionString, Action<WebApplicationBuilder> add, Action<WebApplication> map, params (string Key, string? Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Settings:File"] = "",
            ["urls"] = "http://127.0.0.1:0",
            [$"ConnectionStrings:{Resources.Database}"] = connectionString,
            // Many hosts share one server's connections.
            ["Database:MinPoolSize"] = "0",
            ["Database:MaxPoolSize"] = "10",
            ["Database:IdleLifetimeSeconds"] = "2",
            // What a developer's own Ollama has must not decide what a test finds.
            ["Embedding:Provider"] = EmbeddingProviders.Builtin,
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        var log = new TestLog();
        builder.Services.AddSingleton(log);
        builder.Logging.AddProvider(log);
        builder.AddMahavishnuDatabase();
        add(builder);
        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        map(app);
        try
        {
            await app.StartServiceAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new TestHost(app);
    }

    /// <summary>A service of the host.</summary>
    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

    public Task WaitUntilReadyAsync() => Eventually.Async(
        async () =>
        {
            using var answer = await Http.GetAsync(HealthRoutes.Ready, TestContext.Current.CancellationToken);
            return (answer.IsSuccessStatusCode, Body: await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        },
        answer => answer.IsSuccessStatusCode,
        "Readiness");

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
    }
}

/// <summary>What a host logged, to be asked about.</summary>
public sealed class TestLog : ILoggerProvider
{
    private readonly ConcurrentQueue<TestLogLine> _lines = new();

    public IReadOnlyCollection<TestLogLine> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(TestLog owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner._lines.Enqueue(new TestLogLine(logLevel, category, formatter(state, exception), exception));
    }
}

public sealed record TestLogLine(LogLevel Level, string Category, string Text, Exception? Exception);
