using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Logging;

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

    private static Dictionary<string, string?> Parse([StringSyntax("yaml")] string yaml) => Content(yaml).Values;

    private static SettingsContent Content([StringSyntax("yaml")] string yaml) => SettingsFile.Parse(new StringReader(yaml), "my.yaml");

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
        var (keys, _, notes) = Content("""
            server_name: "Mahavishnu Orchestrator"
            cache_root: .oneiric_cache
            log_level: INFO
            adapters:
              prefect: true
              llamaindex: true
              agno: false
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
            otlp_endpoint: "http://localhost:4317"
            memory_service:
              enabled: true
              enable_rag_search: true
              enable_agent_memory: true
              enable_reflection_search: true
              enable_cross_system_sharing: true
              enable_performance_monitoring: true
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
        Assert.Equal("http://localhost:4317", keys["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("false", keys["OTEL_SDK_DISABLED"]);
        Assert.Equal("Mahavishnu Orchestrator", keys["server_name"]);
        Assert.Equal(
            [
                ("adapters.agno", true), ("adapters.llamaindex", false), ("adapters.prefect", false), ("cache_root", false), ("memory_service.enable_agent_memory", false),
                ("memory_service.enable_cross_system_sharing", false), ("memory_service.enable_rag_search", false), ("memory_service.enable_reflection_search", false), ("memory_service.enabled", false),
            ],
            notes.Select(n => (n.Key, n.Asked)).Order());
    }

    [Fact]
    public async Task What_has_no_effect_is_said_once_and_aloud_where_something_else_is_asked_for()
    {
        var file = Write("settings/mahavishnu.yaml", "{ cache_root: .cache, adapters: { agno: false } }");
        await using var server = await TestServer.StartAsync(_ => { }, null, ("Settings:File", file));

        var said = server.Logs.All.Where(l => l.Text.Contains("has no effect", StringComparison.Ordinal)).Select(l => (l.Level, l.Text)).ToList();
        Assert.Equal(
            [
                (LogLevel.Information, $"{file}: cache_root has no effect: nothing is cached on disk"),
                (LogLevel.Warning, $"{file}: adapters.agno has no effect: the engine runs elsewhere and brings its memories over REST, which is open to all three"),
            ],
            said);
    }

    [Fact]
    public void Without_monitoring_nothing_is_exported() =>
        Assert.Equal("true", Parse("memory_service: { enable_performance_monitoring: false }")["OTEL_SDK_DISABLED"]);

    [Fact]
    public void A_database_that_is_not_enabled_is_not_configured() =>
        Assert.Empty(Parse("postgresql: { enabled: false, host: db.example }"));

    [Fact]
    public void Sections_and_lists_become_paths_and_empty_values_nothing()
    {
        var keys = Parse("""
            Ingest:
              Roots: [/a, /b]
              RowsPerTransaction:
            OLLAMA_MODEL: ''
            """);

        Assert.Equal(["Ingest:Roots:0", "Ingest:Roots:1", "OLLAMA_MODEL"], keys.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("a: [1", "my.yaml, line")]
    [InlineData("a: 1\na: 2", "my.yaml, line 2")]
    [InlineData("- a\n- b", "my.yaml")]
    [InlineData("postgresql: localhost", "postgresql must be a section")]
    [InlineData("postgresql: { hots: localhost }", "postgresql.hots")]
    [InlineData("log_level: LOUD", "log_level 'LOUD' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL")]
    [InlineData("adapters: { agno: maybe }", "adapters.agno 'maybe' is not one of true, false")]
    [InlineData("adapters: { llama: true }", "adapters.llama is not known; the section has prefect, llamaindex, agno.")]
    [InlineData("postgresql: { enabled: 1 }", "postgresql.enabled '1' is not one of true, false")]
    [InlineData("memory_service: true", "memory_service must be a section with enabled, enable_rag_search")]
    [InlineData("Edge: { AlowedHosts: [a] }", "Edge.AlowedHosts.0 is not known")]
    [InlineData("Edge: { MaxBody: 1 }", "Edge.MaxBody is not known; Edge has AllowedHosts, MaxBodyBytes.")]
    [InlineData("sarch: { EfSearch: 1 }", "sarch.EfSearch is not known; there are ")]
    [InlineData("lm_model: x", "lm_model is not known; there are ")]
    [InlineData("lm_model: x", ". Did you mean llm_model?")]
    [InlineData("Search: { Candidats: 60 }", ". Did you mean Search:Candidates?")]
    public void A_file_that_cannot_be_meant_is_refused_by_line_or_key(string yaml, string says) =>
        Assert.Contains(says, Assert.Throws<SettingsException>(() => Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_file_beats_appsettings_and_loses_to_environment_and_command_line()
    {
        Write("settings/mahavishnu.yaml", """
            OLLAMA_MODEL: file
            server_name: file
            urls: file
            http_ports: file
            postgresql: { host: file }
            """);
        Write("settings/local.yaml", "server_name: local");

        var configuration = Layered(
            ["--http_ports=line"], [("OLLAMA_MODEL", "appsettings"), ("https_ports", "appsettings")],
            [("urls", "environment"), ("http_ports", "environment"), ("MAHAVISHNU_PG_HOST", "environment")]);

        Assert.Equal("file", configuration["OLLAMA_MODEL"]);
        Assert.Equal("local", configuration["server_name"]);
        Assert.Equal("environment", configuration["urls"]);
        Assert.Equal("line", configuration["http_ports"]);
        Assert.Equal("appsettings", configuration["https_ports"]);
        Assert.Equal("environment", configuration["MAHAVISHNU_PG_HOST"]);

        var effective = EffectiveSettings.Read(configuration).ToDictionary(s => s.Key, StringComparer.Ordinal);
        Assert.Equal(("file", Path.Combine(_folder.FullName, "settings", "mahavishnu.yaml")), (effective["OLLAMA_MODEL"].Value, effective["OLLAMA_MODEL"].From));
        Assert.Equal(("local", Path.Combine(_folder.FullName, "settings", "local.yaml")), (effective["server_name"].Value, effective["server_name"].From));
        Assert.Equal(("line", "command line"), (effective["http_ports"].Value, effective["http_ports"].From));
        Assert.Equal(("100", "default"), (effective["Search:EfSearch"].Value, effective["Search:EfSearch"].From));
        Assert.Equal((null, "default"), (effective["Search:VectorWeight"].Value, effective["Search:VectorWeight"].From));
    }

    [Fact]
    public void Another_file_can_be_named_and_no_file_too()
    {
        Write("settings/mahavishnu.yaml", "server_name: default");
        Write("other.yaml", "server_name: other");

        Assert.Equal("other", Layered(["--Settings:File=other.yaml"], [], [])["server_name"]);
        Assert.Equal("other", Layered([], [], [("MAHAVISHNU_SETTINGS", Path.Combine(_folder.FullName, "other.yaml"))])["server_name"]);
        Assert.Null(Layered([], [], [("MAHAVISHNU_SETTINGS", "")])["server_name"]);
    }

    [Fact]
    public void A_named_file_that_does_not_exist_stops_the_start() =>
        Assert.Contains("MAHAVISHNU_SETTINGS", Assert.Throws<SettingsException>(() => Layered([], [], [("MAHAVISHNU_SETTINGS", "nowhere.yaml")])).Message, StringComparison.Ordinal);

    [Fact]
    public void The_shipped_file_leaves_the_choice_of_database_and_model_open()
    {
        var keys = SettingsFile.Read(Path.Combine(Repository(), "settings", "mahavishnu.yaml")).Values;

        Assert.DoesNotContain(keys.Keys, k => k.StartsWith("MAHAVISHNU_PG", StringComparison.Ordinal) || k.StartsWith("OLLAMA", StringComparison.Ordinal));
        Assert.Contains("server_name", keys.Keys);
    }

    [Fact]
    public void The_shipped_files_commented_lines_are_valid_once_uncommented()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository(), "settings", "mahavishnu.yaml"));
        var uncommented = lines.Select(l => Regex.IsMatch(l, "^# ( {2})?[a-z_]+:", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) ? l[2..] : l);

        var keys = SettingsFile.Parse(new StringReader(string.Join('\n', uncommented)), "shipped").Values;

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
    public void A_bad_OTLP_setting_names_its_variable()
    {
        var address = Assert.Throws<SettingsException>(() => TestServer.Build(_ => { }, null, ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")));
        var protocol = Assert.Throws<SettingsException>(() => TestServer.Build(
            _ => { }, null, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")));

        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", address.Message, StringComparison.Ordinal);
        Assert.Equal("OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' is not one of grpc, http/protobuf.", protocol.Message);
    }

    [Theory]
    [InlineData("Edge:MaxBodyBytes", "much", "Edge:MaxBodyBytes: 'much' is not a whole number from 1024 to 1073741824.")]
    [InlineData("Edge:MaxBodyBytes", "5", "Edge:MaxBodyBytes: '5' is not a whole number from 1024 to 1073741824.")]
    public async Task A_bad_value_is_told_with_its_key_and_what_it_takes(string key, string value, string says)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () => await TestServer.StartAsync(_ => { }, null, (key, value)));

        Assert.Equal([says], StartupErrors.Describe(failure));
    }

    [Theory]
    [InlineData("Search:Candidats", "60", "Search:Candidats (environment: Search__Candidats) is not known; Search has ", "Did you mean Search:Candidates?")]
    [InlineData("MAHAVISHNU_PG_HOTS", "db", "MAHAVISHNU_PG_HOTS (environment: MAHAVISHNU_PG_HOTS) is not known; ", "Did you mean MAHAVISHNU_PG_HOST?")]
    [InlineData("Search:Candidates", "1", "Search:Candidates (environment: Search__Candidates): '1' is not a whole number from 10 to 1000.")]
    [InlineData("Search:NeighbourShare", "1.5", "Search:NeighbourShare (environment: Search__NeighbourShare): '1.5' is not a number from 0 to 1.")]
    [InlineData("Search:Fusion", "both", "Search:Fusion (environment: Search__Fusion): 'both' is not one of Weighted, Rrf.")]
    [InlineData("Embedding:Pull", "perhaps", "Embedding:Pull (environment: Embedding__Pull): 'perhaps' is not true or false.")]
    [InlineData("Logging:LogLevel:Npgsql", "loud", "Logging:LogLevel:Npgsql (environment: Logging__LogLevel__Npgsql): 'loud' is not one of Trace, ")]
    [InlineData("OTEL_SDK_DISABLED", "maybe", "OTEL_SDK_DISABLED (environment: OTEL_SDK_DISABLED): 'maybe' is not true or false.")]
    public void What_the_environment_says_is_held_against_the_page_by_every_service(string key, string value, params string[] says)
    {
        var configuration = new ConfigurationManager();
        // The real provider, with a variable of this test's.
        var name = $"MAHAVISHNUTEST{Guid.NewGuid():n}_";
        var variable = name + key.Replace(":", "__", StringComparison.Ordinal);
        System.Environment.SetEnvironmentVariable(variable, value);
        configuration.AddEnvironmentVariables(name);
        System.Environment.SetEnvironmentVariable(variable, null);

        var wrong = Assert.Throws<SettingsException>(() => SettingsCheck.Run(configuration));

        Assert.All(says, part => Assert.Contains(part, wrong.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_bad_value_of_a_file_is_told_by_the_name_it_has_there_and_one_of_the_command_line_too()
    {
        Write("settings/mahavishnu.yaml", "postgresql: { pool_size: 0 }");

        var configuration = Layered(["--VectorIndex:FromRows=few"], [], []);

        Assert.Equal(
            $"""
            Database:PoolSize ({Path.Combine(_folder.FullName, "settings", "mahavishnu.yaml")}: postgresql.pool_size): '0' is not a whole number from 1 to 10000.
            VectorIndex:FromRows (command line): 'few' is not a whole number from 1.
            """.ReplaceLineEndings("\n"),
            Assert.Throws<SettingsException>(() => SettingsCheck.Run(configuration)).Message);
    }

    [Theory]
    [InlineData("Search:Candidates", "60")]
    [InlineData("search:fusion", "rrf")]
    [InlineData("Edge:AllowedHosts:0", "memory.example.com")]
    [InlineData("Embedding:Profile", "nomic")]
    [InlineData("Embedding:IdleSeconds", "0.05")]
    [InlineData("Logging:EventLog:SourceName", "others use this section")]
    [InlineData("ConnectionStrings:elsewhere", "Host=x")]
    [InlineData("OLLAMA_MODELS", "/var/models")]
    [InlineData("SomebodyElses:Key", "value")]
    [InlineData("Search:VectorWeight", "")]
    public void What_is_right_or_nobodys_business_passes(string key, string value)
    {
        var configuration = new ConfigurationManager { [key] = value };

        SettingsCheck.Run(configuration);
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
