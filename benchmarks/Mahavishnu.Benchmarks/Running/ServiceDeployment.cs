using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Benchmarks;

/// <summary>Gateway, ingest, search and migration as processes over one database, and the model that knows the synthetic questions.</summary>
internal sealed class ServiceDeployment : IAsyncDisposable
{
    private static readonly Dictionary<string, (string Project, string Assembly)> Programs = new(StringComparer.Ordinal)
    {
        [Resources.Ingest] = ("services/Ingest/Mahavishnu.Ingest.Service", "Mahavishnu.Ingest.Service"),
        [Resources.Search] = ("services/Search/Mahavishnu.Search.Service", "Mahavishnu.Search.Service"),
        [Resources.Migration] = ("services/Migration/Mahavishnu.Migration.Service", "Mahavishnu.Migration.Service"),
        [Resources.Gateway] = ("services/Gateway/Mahavishnu.Gateway", "Mahavishnu.Gateway"),
    };

    private readonly Dictionary<string, string?> _settings;
    private readonly OllamaServer _model;
    private readonly Dictionary<string, ServiceProcess> _running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _urls = new(StringComparer.Ordinal);

    private ServiceDeployment(string connectionString, OllamaServer model, IReadOnlyDictionary<string, string?>? settings)
    {
        _model = model;
        _settings = new Dictionary<string, string?>(Settings(connectionString, model), StringComparer.Ordinal)
        {
            ["Logging:LogLevel:Default"] = "Warning",
            ["Logging:Format"] = "text",
            // The line that says where it listens.
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
        };
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>(StringComparer.Ordinal))
        {
            _settings[name] = value;
        }
    }

    /// <summary>The public door.</summary>
    public HttpClient Http { get; private set; } = new();

    public IReadOnlyDictionary<string, ServiceProcess> Processes => _running;

    /// <summary>What a process of this deployment is told, wherever it runs.</summary>
    public static Dictionary<string, string?> Settings(string connectionString, OllamaServer model) => new(StandIn.Settings(model, calls: 4, SyntheticQuestion.Model), StringComparer.Ordinal)
    {
        ["Settings:File"] = "",
        [$"ConnectionStrings:{Resources.Database}"] = connectionString,
        // A benchmark makes and drops its indexes itself.
        ["VectorIndex:FromRows"] = "2000000000",
    };

    /// <param name="settings">What is different in this run.</param>
    public static async Task<ServiceDeployment> StartAsync(string connectionString, CancellationToken ct, IReadOnlyDictionary<string, string?>? settings = null)
    {
        await Progress.SayAsync("starting the services");
        var deployment = new ServiceDeployment(connectionString, await OllamaServer.StartNewAsync(SyntheticQuestion.Model), settings);
        try
        {
            foreach (var name in Programs.Keys.Where(n => n != Resources.Gateway))
            {
                deployment.Start(name);
            }

            foreach (var (name, process) in deployment._running)
            {
                deployment._urls[name] = await process.Url;
            }

            deployment.Start(Resources.Gateway);
            var door = await deployment._running[Resources.Gateway].Url;
            deployment.Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }, disposeHandler: true) { BaseAddress = new Uri(door), Timeout = TimeSpan.FromSeconds(100) };
            await deployment.UntilReadyAsync(ct);
            return deployment;
        }
        catch
        {
            await deployment.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends a service as if it had been killed and starts it again at its address.</summary>
    public async Task RestartAsync(string name)
    {
        await _running[name].DisposeAsync();
        Start(name);
        await _running[name].Url;
    }

    /// <summary>Waits until a service says that it is ready; null: all of them, as the door sees it.</summary>
    public async Task UntilReadyAsync(CancellationToken ct, string? service = null)
    {
        using var http = new HttpClient { BaseAddress = service is null ? Http.BaseAddress : new Uri(_urls[service]) };
        await BenchmarkServer.WaitAsync(
            async () =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri(HealthRoutes.Ready, UriKind.Relative), ct);
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            ct);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var process in _running.Values)
        {
            await process.DisposeAsync();
        }

        await _model.DisposeAsync();
    }

    private void Start(string name)
    {
        var (project, assembly) = Programs[name];
        var environment = new Dictionary<string, string?>(_settings, StringComparer.Ordinal) { ["urls"] = _urls.GetValueOrDefault(name, "http://127.0.0.1:0") };
        foreach (var (service, url) in _urls.Where(_ => name == Resources.Gateway))
        {
            environment[$"services:{service}:http:0"] = url;
        }

        _running[name] = ServiceProcess.Start(project, assembly, environment);
    }
}
