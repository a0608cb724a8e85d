using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mahavishnu.Contracts;
using YamlDotNet.Serialization;

namespace Mahavishnu.Architecture.Tests;

/// <summary><c>infra/compose</c> fits the system. That it is what the AppHost publishes is a test of the AppHost's own.</summary>
public sealed class DeploymentTests
{
    private const string File = "infra/compose/docker-compose.yaml";
    private const string Ready = "/health/ready";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly string[] OverDatabase = [Resources.Ingest, Resources.Migration, Resources.Search];
    private readonly Dictionary<string, Service> _services = Read().Services;

    [Fact]
    public void Compose_has_every_service_the_job_and_what_they_stand_on() =>
        Assert.Equal(
            Resources.Ports.Keys.Concat(["migrate", "ollama", "postgres"]).Order(StringComparer.Ordinal),
            _services.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void An_image_has_the_name_that_the_SDK_gives_it()
    {
        foreach (var name in Resources.Ports.Keys.Append("migrate"))
        {
            var program = name == "migrate" ? Resources.Migration : name;
            var project = House.Projects.Single(p => p.Room == "services" && p.IsExe && p.Name.Contains($".{program}", StringComparison.OrdinalIgnoreCase));
            var repository = XDocument.Parse(House.Text(project.Path)).Descendants("ContainerRepository").Single().Value;
            Assert.Equal($"${{{name.ToUpperInvariant()}_IMAGE:-{repository}:latest}}", _services[name].Image);
            Assert.Contains(Path.GetDirectoryName(project.Path)!.Split('/')[^1].Replace(".Service", "", StringComparison.Ordinal), House.Text("infra/compose/images.sh"), StringComparison.Ordinal);
        }

        Assert.Contains("<ContainerUser>app</ContainerUser>", House.Text("Directory.Build.props"), StringComparison.Ordinal);
        // With time zones, which imports need, and a shell, which the health checks need: the chiselled family has neither.
        Assert.Contains("<ContainerFamily>noble</ContainerFamily>", House.Text("Directory.Build.props"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_schema_is_upgraded_by_a_job_that_waits_for_the_database_and_is_waited_for()
    {
        Assert.Equal(["--migrate"], _services["migrate"].Command);
        Assert.Equal("service_healthy", _services["migrate"].DependsOn["postgres"].Condition);
        foreach (var service in OverDatabase)
        {
            Assert.Equal("service_completed_successfully", _services[service].DependsOn["migrate"].Condition);
            // Memories are taken and found by their words without a model.
            Assert.DoesNotContain("ollama", _services[service].DependsOn.Keys);
        }

        Assert.Equal(OverDatabase, _services[Resources.Gateway].DependsOn.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Everything_that_stays_says_how_it_is()
    {
        foreach (var (name, service) in _services.Where(s => s.Key != "migrate"))
        {
            Assert.True(service.Healthcheck is { Test.Count: > 1, Interval: not null, Timeout: not null, Retries: > 0 }, name);
            Assert.Equal("unless-stopped", service.Restart);
        }

        Assert.All(Resources.Ports.Keys, s => Assert.Contains(Ready, _services[s].Healthcheck!.Test[^1], StringComparison.Ordinal));
        Assert.Contains("pg_isready", _services["postgres"].Healthcheck!.Test);
        Assert.StartsWith("on-failure", _services["migrate"].Restart, StringComparison.Ordinal);
    }

    [Fact]
    public void The_gateway_is_the_one_door_and_knows_every_service()
    {
        Assert.Equal([Resources.Gateway], _services.Where(s => s.Value.Ports.Count > 0).Select(s => s.Key));
        // On loopback unless somebody says otherwise.
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"${{MAHAVISHNU_ADDRESS:-127.0.0.1:{Resources.DefaultPort}}}:8080"), Assert.Single(_services[Resources.Gateway].Ports));
        foreach (var service in Resources.Routes.Values.Distinct(StringComparer.Ordinal))
        {
            Assert.Equal($"http://{service}:8080", _services[Resources.Gateway].Environment[$"services__{service}__http__0"]);
            Assert.Contains("8080", _services[service].Expose);
        }

        Assert.All(Resources.Ports.Keys, s => Assert.Equal("8080", _services[s].Environment["HTTP_PORTS"]));
    }

    [Fact]
    public void One_number_says_how_many_processes_share_a_part_of_the_pool()
    {
        foreach (var service in OverDatabase)
        {
            Assert.Equal(_services[service].Deploy!.Replicas.ToString(CultureInfo.InvariantCulture), _services[service].Environment["Database__Replicas"]);
        }
    }

    [Fact]
    public void No_secret_stands_in_plain_text()
    {
        foreach (var (name, service) in _services)
        {
            foreach (var (key, value) in service.Environment)
            {
                // ${POSTGRES_PASSWORD:?choose one}: to be chosen where it runs, and without it nothing starts.
                Assert.All(SecretsIn(key, value), s => Assert.True(Regex.IsMatch(s, @"^\$\{\w+:\?.+\}$", RegexOptions.ExplicitCapture, Patience), $"{name}: {key}"));
            }
        }

        Assert.All(Resources.Ports.Keys, s => Assert.Equal("${API_KEY:?choose one}", _services[s].Environment["Auth__ApiKey"]));
        // The example names what must be chosen, and chooses nothing.
        foreach (var name in new[] { "API_KEY", "POSTGRES_PASSWORD" })
        {
            Assert.Contains($"\n{name}=\n", House.Text("infra/compose/env.example"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_database_has_pgvector_shared_memory_and_a_volume()
    {
        var postgres = _services["postgres"];

        Assert.EndsWith("pgvector/pgvector:pg17", postgres.Image, StringComparison.Ordinal);
        Assert.Equal("1gb", postgres.ShmSize);
        Assert.Equal(Resources.Database, postgres.Environment["POSTGRES_DB"]);
        Assert.Equal("/var/lib/postgresql/data", Assert.Single(postgres.Volumes).Target);
        Assert.NotEmpty(_services["ollama"].Volumes);
        Assert.Equal(("ollama", "true"), (_services[Resources.Ingest].Environment["Embedding__Provider"], _services[Resources.Ingest].Environment["Embedding__Pull"]));
    }

    [Fact]
    public void Only_what_is_mounted_may_be_read_and_nothing_may_be_written_there()
    {
        foreach (var service in new[] { Resources.Ingest, Resources.Migration })
        {
            var mount = Assert.Single(_services[service].Volumes);
            Assert.True(mount.ReadOnly);
            Assert.Equal(_services[service].Environment["Ingest__Roots__0"], mount.Target);
        }
    }

    [Fact]
    public async Task Compose_itself_takes_the_file()
    {
        var (code, output) = await ComposeAsync("version");
        Assert.SkipWhen(code != 0, "Docker Compose is not installed here.");

        (code, output) = await ComposeAsync("-f", Path.Combine(House.Root, File), "config", "--quiet");

        Assert.True(code == 0, output);
    }

    private static IEnumerable<string> SecretsIn(string key, string value) =>
        Regex.Matches(value, "(?<=Password=)[^;]*", RegexOptions.ExplicitCapture, Patience).Select(m => m.Value)
            .Concat(Regex.IsMatch(key, "KEY|PASSWORD|SECRET|TOKEN", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, Patience) ? [value] : []);

    private static async Task<(int Code, string Output)> ComposeAsync(params string[] arguments)
    {
        try
        {
            using var compose = Process.Start(new ProcessStartInfo("docker", ["compose", .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
                Environment = { ["API_KEY"] = "a-key", ["POSTGRES_PASSWORD"] = "a-password" },
            })!;
            var errors = compose.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = await compose.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await compose.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (compose.ExitCode, output + await errors);
        }
        catch (Win32Exception e)
        {
            return (-1, e.Message);
        }
    }

    private static Compose Read() => new DeserializerBuilder().IgnoreUnmatchedProperties().Build().Deserialize<Compose>(House.Text(File));

    private sealed class Compose
    {
        [YamlMember(Alias = "services")] public Dictionary<string, Service> Services { get; set; } = [];
    }

    private sealed class Service
    {
        [YamlMember(Alias = "image")] public string Image { get; set; } = "";
        [YamlMember(Alias = "command")] public List<string> Command { get; set; } = [];
        [YamlMember(Alias = "environment")] public Dictionary<string, string> Environment { get; set; } = [];
        [YamlMember(Alias = "ports")] public List<string> Ports { get; set; } = [];
        [YamlMember(Alias = "expose")] public List<string> Expose { get; set; } = [];
        [YamlMember(Alias = "volumes")] public List<Mount> Volumes { get; set; } = [];
        [YamlMember(Alias = "depends_on")] public Dictionary<string, Dependency> DependsOn { get; set; } = [];
        [YamlMember(Alias = "healthcheck")] public Health? Healthcheck { get; set; }
        [YamlMember(Alias = "restart")] public string Restart { get; set; } = "";
        [YamlMember(Alias = "shm_size")] public string ShmSize { get; set; } = "";
        [YamlMember(Alias = "deploy")] public Deployed? Deploy { get; set; }
    }

    private sealed class Mount
    {
        [YamlMember(Alias = "target")] public string Target { get; set; } = "";
        [YamlMember(Alias = "read_only")] public bool ReadOnly { get; set; }
    }

    private sealed class Dependency
    {
        [YamlMember(Alias = "condition")] public string Condition { get; set; } = "";
    }

    private sealed class Deployed
    {
        [YamlMember(Alias = "replicas")] public int Replicas { get; set; }
    }

    private sealed class Health
    {
        [YamlMember(Alias = "test")] public List<string> Test { get; set; } = [];
        [YamlMember(Alias = "interval")] public string? Interval { get; set; }
        [YamlMember(Alias = "timeout")] public string? Timeout { get; set; }
        [YamlMember(Alias = "retries")] public int Retries { get; set; }
    }
}
