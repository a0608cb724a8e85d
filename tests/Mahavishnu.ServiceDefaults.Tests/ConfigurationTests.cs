using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class ConfigurationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mahavishnu-settings-");

    public void Dispose() => _folder.Delete(recursive: true);

    private string Write(string name, [StringSyntax("yaml")] string yaml)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, yaml);
        return path;
    }

    private static Dictionary<string, string?> Parse([StringSyntax("yaml")] string yaml) => SettingsFile.Parse(new StringReader(yaml), "my.yaml");

    /// <summary>A configuration with its sources in the order a web application has them.</summary>
    private ConfigurationManager Layered(string[] commandLine, (string Key, string Value)[] appsettings, (string Key, string Value)[] environment)
    {
        var configuration = new ConfigurationManager();
        configuration.Sources.Add(new MemoryConfigurationSource { InitialData = appsettings.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value)) });
        configuration.Sources.Add(new Environment(environment));
        configuration.AddCommandLine(commandLine);
        ConfigurationLayers.Add(configuration, _folder.FullName);
        return configuration;
    }

    /// <summary>The environment's own kind of source, with variables of the test's.</summary>
    private sealed class Environment((string Key, string Value)[] variables) : EnvironmentVariablesConfigurationSource, IConfigurationSource
    {
        IConfigurationProvider IConfigurationSource.Build(IConfigurationBuilder builder) =>
            new MemoryConfigurationSource { InitialData = variables.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value)) }.Build(builder);
    }

    [Fact]
    public void The_plans_file_is_understood()
    {
        var keys = Parse("""
            server_name: "Mahavishnu Orchestrator"
            cache_root: .oneiric_cache
            log_level: INFO
            adapters:
              prefect: true
            postgresql:
              enabled: true
              host: "db.example"
              port: 5432
              database: "mahavishnu"
              user: "postgres"
              password: "pa: ss"
              pool_size: 20  # CRITICAL FIX: Was 50
              max_overflow: 30
            llm_model: "nomic-embed-text"
            ollama_base_url: "http://localhost:11434"
            """);

        Assert.Equal("db.example", keys["MAHAVISHNU_PG_HOST"]);
        Assert.Equal("5432", keys["MAHAVISHNU_PG_PORT"]);
        Assert.Equal("mahavishnu", keys["MAHAVISHNU_PG_DATABASE"]);
        Assert.Equal("postgres", keys["MAHAVISHNU_PG_USER"]);
        Assert.Equal("pa: ss", keys["MAHAVISHNU_PG_PASSWORD"]);
        Assert.Equal("20", keys["Database:PoolSize"]);
        Assert.Equal("30", keys["Database:MaxOverflow"]);
        Assert.Equal("nomic-embed-text", keys["OLLAMA_MODEL"]);
        Assert.Equal("http://localhost:11434", keys["OLLAMA_BASE_URL"]);
        Assert.Equal("Information", keys["Logging:LogLevel:Default"]);
        Assert.Equal("true", keys["adapters:prefect"]);
        Assert.Equal("Mahavishnu Orchestrator", keys["server_name"]);
    }

    [Fact]
    public void A_database_that_is_not_enabled_is_not_configured() =>
        Assert.Empty(Parse("postgresql: { enabled: false, host: db.example }"));

    [Fact]
    public void Sections_and_lists_become_paths_and_empty_values_nothing()
    {
        var keys = Parse("""
            Ingest:
              Roots: [/a, /b]
              Limit:
            Empty: ''
            """);

        Assert.Equal(["Empty", "Ingest:Roots:0", "Ingest:Roots:1"], keys.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("a: [1", "my.yaml, line")]
    [InlineData("a: 1\na: 2", "my.yaml, line 2")]
    [InlineData("- a\n- b", "my.yaml")]
    [InlineData("postgresql: localhost", "postgresql must be a section")]
    [InlineData("postgresql: { hots: localhost }", "postgresql.hots")]
    [InlineData("log_level: LOUD", "log_level 'LOUD'")]
    public void A_file_that_cannot_be_meant_is_refused_by_line_or_key(string yaml, string says) =>
        Assert.Contains(says, Assert.Throws<SettingsException>(() => Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_file_beats_appsettings_and_loses_to_environment_and_command_line()
    {
        Write("settings/mahavishnu.yaml", """
            a: file
            b: file
            c: file
            d: file
            postgresql: { host: file }
            """);
        Write("settings/local.yaml", "b: local");

        var configuration = Layered(
            ["--d=line"], [("a", "appsettings"), ("z", "appsettings")], [("c", "environment"), ("d", "environment"), ("MAHAVISHNU_PG_HOST", "environment")]);

        Assert.Equal("file", configuration["a"]);
        Assert.Equal("local", configuration["b"]);
        Assert.Equal("environment", configuration["c"]);
        Assert.Equal("line", configuration["d"]);
        Assert.Equal("appsettings", configuration["z"]);
        Assert.Equal("environment", configuration["MAHAVISHNU_PG_HOST"]);
    }

    [Fact]
    public void Another_file_can_be_named_and_no_file_too()
    {
        Write("settings/mahavishnu.yaml", "a: default");
        Write("other.yaml", "a: other");

        Assert.Equal("other", Layered(["--Settings:File=other.yaml"], [], [])["a"]);
        Assert.Equal("other", Layered([], [], [("MAHAVISHNU_SETTINGS", Path.Combine(_folder.FullName, "other.yaml"))])["a"]);
        Assert.Null(Layered([], [], [("MAHAVISHNU_SETTINGS", "")])["a"]);
    }

    [Fact]
    public void A_named_file_that_does_not_exist_stops_the_start() =>
        Assert.Contains("MAHAVISHNU_SETTINGS", Assert.Throws<SettingsException>(() => Layered([], [], [("MAHAVISHNU_SETTINGS", "nowhere.yaml")])).Message, StringComparison.Ordinal);

    [Fact]
    public void The_shipped_file_leaves_the_choice_of_database_and_model_open()
    {
        var keys = SettingsFile.Read(Path.Combine(Repository(), "settings", "mahavishnu.yaml"));

        Assert.DoesNotContain(keys.Keys, k => k.StartsWith("MAHAVISHNU_PG", StringComparison.Ordinal) || k.StartsWith("OLLAMA", StringComparison.Ordinal));
        Assert.Contains("server_name", keys.Keys);
    }

    [Fact]
    public void The_shipped_files_commented_lines_are_valid_once_uncommented()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository(), "settings", "mahavishnu.yaml"));
        var uncommented = lines.Select(l => Regex.IsMatch(l, "^# ( {2})?[a-z_]+:", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) ? l[2..] : l);

        var keys = SettingsFile.Parse(new StringReader(string.Join('\n', uncommented)), "shipped");

        Assert.Equal("localhost", keys["MAHAVISHNU_PG_HOST"]);
        Assert.Equal("20", keys["Database:PoolSize"]);
        Assert.Equal("nomic-embed-text", keys["OLLAMA_MODEL"]);
    }

    [Fact]
    public void Statements_and_requests_are_not_logged_unless_asked_for()
    {
        var configuration = new ConfigurationManager();
        configuration.AddCommandLine(["--Logging:LogLevel:Npgsql=Debug"]);

        ConfigurationLayers.AddDefaultLogLevels(configuration);

        Assert.Equal("Information", configuration["Logging:LogLevel:Default"]);
        Assert.Equal("Warning", configuration["Logging:LogLevel:Microsoft"]);
        Assert.Equal("Debug", configuration["Logging:LogLevel:Npgsql"]);
    }

    [Fact]
    public void A_bad_OTLP_endpoint_names_its_variable()
    {
        var failure = Assert.Throws<SettingsException>(() => TestServer.Build(_ => { }, null, ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")));

        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", failure.Message, StringComparison.Ordinal);
    }

    private static string Repository()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "Mahavishnu.slnf")))
        {
            at = at.Parent;
        }

        return at.FullName;
    }
}
