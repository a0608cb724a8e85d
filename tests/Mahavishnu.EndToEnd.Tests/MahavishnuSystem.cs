using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>The whole of Mahavishnu as its users meet it: an address, and processes behind it. The two ways to run it differ in nothing else.</summary>
public abstract class MahavishnuSystem : IAsyncDisposable
{
    /// <summary>Connections that a process keeps; few, as many processes share the test server.</summary>
    public const int WarmConnections = 2;

    private readonly Dictionary<string, string?> _environment;

    protected MahavishnuSystem(string connectionString, string roots, params (string Name, string? Value)[] settings)
    {
        _environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [$"ConnectionStrings__{Resources.Database}"] = connectionString,
            ["Ingest__Roots__0"] = roots,
            ["Database__MinPoolSize"] = WarmConnections.ToString(CultureInfo.InvariantCulture),
            ["Database__MaxPoolSize"] = "12",
            ["Database__IdleLifetimeSeconds"] = "2",
            ["Logging__LogLevel__Default"] = "Information",
            // What a developer's own Ollama has must not decide what a test finds.
            ["Embedding__Provider"] = EmbeddingProviders.Builtin,
            // The lines that say where a service listens.
            ["Logging__Format"] = "text",
        };
        foreach (var (name, value) in settings)
        {
            _environment[name] = value;
        }
    }

    public Uri Url { get; protected set; } = new("http://127.0.0.1");

    public HttpClient Http { get; protected set; } = new();

    public MemoriesClient Memories => new(Http);

    public SearchClient Search => new(Http);

    public RepositoriesClient Repositories => new(Http);

    public OperationsClient Operations => new(Http);

    public AdminClient Admin => new(Http);

    /// <summary>Processes that hold connections to the database.</summary>
    public abstract int DatabaseProcesses { get; }

    protected IReadOnlyDictionary<string, string?> Environment => _environment;

    /// <summary>Starts what there is to start and waits until it is ready.</summary>
    public abstract Task StartAsync();

    /// <summary>kill -9 on the process that writes.</summary>
    public abstract Task KillAsync();

    /// <summary>Starts again what was killed.</summary>
    public abstract Task RestartAsync();

    /// <summary>SIGTERM, as an orchestrator stops a service.</summary>
    /// <returns>The exit code of each process.</returns>
    public abstract Task<IReadOnlyList<int>> StopAsync();

    /// <summary>What the processes wrote.</summary>
    public abstract string Output { get; }

    public abstract ValueTask DisposeAsync();

    protected void Connect(Uri url)
    {
        Http.Dispose();
        Url = url;
        Http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(100) };
        if (_environment.GetValueOrDefault("Auth__ApiKey") is { } key)
        {
            Http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        }
    }

    protected async Task WaitUntilReadyAsync()
    {
        try
        {
            await Eventually.Async(
                async () =>
                {
                    try
                    {
                        using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
                        return (Ready: answer.IsSuccessStatusCode, Body: await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
                    }
                    catch (HttpRequestException e)
                    {
                        return (Ready: false, Body: e.Message);
                    }
                },
                answer => answer.Ready,
                "Readiness",
                TimeSpan.FromSeconds(90));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"{e.Message}\n{Output}", e);
        }
    }
}

/// <summary><c>mahavishnu up</c>: one process.</summary>
public sealed class UpSystem(string connectionString, string roots, params (string Name, string? Value)[] settings) : MahavishnuSystem(connectionString, roots, settings)
{
    private ProgramProcess? _up;
    private int _port;

    public override int DatabaseProcesses => 1;

    public override string Output => _up?.Output ?? "";

    public override async Task StartAsync()
    {
        _up = ProgramProcess.Start("Mahavishnu.Cli", "mahavishnu-cli", ["up", "--port", _port.ToString(CultureInfo.InvariantCulture)], Environment);
        // "  api      http://127.0.0.1:41299/api/v1"
        var url = await _up.LineAsync(line => line.Trim() is var l && l.StartsWith("api ", StringComparison.Ordinal) ? l[4..].Trim() : null, "The start of `mahavishnu up`");
        Connect(new Uri(new Uri(url).GetLeftPart(UriPartial.Authority)));
        _port = Url.Port;
        await WaitUntilReadyAsync();
    }

    public override Task KillAsync() => _up!.KillAsync();

    public override async Task RestartAsync()
    {
        await _up!.DisposeAsync();
        await StartAsync();
    }

    public override async Task<IReadOnlyList<int>> StopAsync() => [await _up!.StopAsync()];

    public override async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_up is not null)
        {
            await _up.DisposeAsync();
        }
    }
}

/// <summary>Gateway, ingest, search and migration as four processes, after the schema was upgraded by a fifth.</summary>
public sealed class SplitSystem(string connectionString, string roots, params (string Name, string? Value)[] settings) : MahavishnuSystem(connectionString, roots, settings)
{
    private static readonly Dictionary<string, (string Project, string Assembly)> Programs = new(StringComparer.Ordinal)
    {
        [Resources.Ingest] = ("services/Ingest/Mahavishnu.Ingest.Service", "Mahavishnu.Ingest.Service"),
        [Resources.Search] = ("services/Search/Mahavishnu.Search.Service", "Mahavishnu.Search.Service"),
        [Resources.Migration] = ("services/Migration/Mahavishnu.Migration.Service", "Mahavishnu.Migration.Service"),
        [Resources.Gateway] = ("services/Gateway/Mahavishnu.Gateway", "Mahavishnu.Gateway"),
    };

    // 0 until the program has taken one: a port picked beforehand may be another's by then.
    private readonly Dictionary<string, string> _urls = Programs.Keys.ToDictionary(name => name, _ => "http://127.0.0.1:0", StringComparer.Ordinal);
    private readonly Dictionary<string, ProgramProcess> _running = new(StringComparer.Ordinal);

    public override int DatabaseProcesses => 3;

    public override string Output => string.Join("\n\n", _running.Select(p => $"--- {p.Key}\n{p.Value.Output}"));

    public override async Task StartAsync()
    {
        await using (var migrate = Start(Resources.Migration, "--migrate"))
        {
            if (await migrate.ExitCodeAsync() != 0)
            {
                throw new InvalidOperationException($"The upgrade failed:\n{migrate.Output}");
            }
        }

        string[] services = [.. Programs.Keys.Where(name => name != Resources.Gateway)];
        foreach (var name in services)
        {
            _running[name] = Start(name);
        }

        foreach (var name in services)
        {
            await ListenAsync(name);
        }

        // The door learns of the services by configuration alone.
        _running[Resources.Gateway] = Start(Resources.Gateway);
        await ListenAsync(Resources.Gateway);
        Connect(new Uri(_urls[Resources.Gateway]));
        await WaitUntilReadyAsync();
    }

    public override Task KillAsync() => _running[Resources.Ingest].KillAsync();

    public override async Task RestartAsync()
    {
        await _running[Resources.Ingest].DisposeAsync();
        _running[Resources.Ingest] = Start(Resources.Ingest);
        await WaitUntilReadyAsync();
    }

    public override async Task<IReadOnlyList<int>> StopAsync() => await Task.WhenAll(_running.Values.Select(p => p.StopAsync()));

    public override async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var process in _running.Values)
        {
            await process.DisposeAsync();
        }
    }

    private async Task ListenAsync(string name)
    {
        // "      Now listening on: http://127.0.0.1:41299", or the same within a JSON string
        const string Listening = "Now listening on: ";
        _urls[name] = await _running[name].LineAsync(
            line => line.IndexOf(Listening, StringComparison.Ordinal) is var at and >= 0 ? line[(at + Listening.Length)..].Split('"')[0].Trim() : null, $"The start of {name}");
    }

    private ProgramProcess Start(string name, params string[] arguments)
    {
        var (project, assembly) = Programs[name];
        var environment = new Dictionary<string, string?>(Environment, StringComparer.Ordinal) { ["urls"] = _urls[name] };
        foreach (var service in Programs.Keys.Where(s => name == Resources.Gateway && s != name))
        {
            environment[$"services__{service}__http__0"] = _urls[service];
        }

        return ProgramProcess.Start(project, assembly, arguments, environment);
    }
}
