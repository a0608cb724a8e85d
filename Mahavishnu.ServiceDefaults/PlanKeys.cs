using Mahavishnu.Contracts;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The plan's names of a settings file and what each becomes here; docs/configuration.md has the same as a table.</summary>
internal static class PlanKeys
{
    private const string Engines = "the engine runs elsewhere and brings its memories over REST, which is open to all three";
    private const string Always = "this program always does it; a search chooses by `types` and `sources`";

    /// <summary>Names of settings here.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["postgresql:host"] = "MAHAVISHNU_PG_HOST",
        ["postgresql:port"] = "MAHAVISHNU_PG_PORT",
        ["postgresql:database"] = "MAHAVISHNU_PG_DATABASE",
        ["postgresql:user"] = "MAHAVISHNU_PG_USER",
        ["postgresql:password"] = "MAHAVISHNU_PG_PASSWORD",
        ["postgresql:pool_size"] = "Database:PoolSize",
        ["postgresql:max_overflow"] = "Database:MaxOverflow",
        ["llm_model"] = "OLLAMA_MODEL",
        ["ollama_base_url"] = "OLLAMA_BASE_URL",
        ["otlp_endpoint"] = "OTEL_EXPORTER_OTLP_ENDPOINT",
        ["log_level"] = "Logging:LogLevel:Default",
        ["server_name"] = "server_name",
    };

    /// <summary>Understood, and nothing follows from them: why.</summary>
    public static IReadOnlyDictionary<string, string> WithoutEffect { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["cache_root"] = "nothing is cached on disk",
        ["chat_model"] = "a chat model is used only where Insights:Model:Name asks for one",
        ["adapters:prefect"] = Engines,
        ["adapters:llamaindex"] = Engines,
        ["adapters:agno"] = Engines,
        ["memory_service:enabled"] = "this program is the memory service",
        ["memory_service:enable_rag_search"] = Always,
        ["memory_service:enable_agent_memory"] = Always,
        ["memory_service:enable_reflection_search"] = Always,
        ["memory_service:enable_cross_system_sharing"] = Always,
    };

    /// <summary>Switches that do something.</summary>
    public const string PostgresqlEnabled = "postgresql:enabled";
    public const string Monitoring = "memory_service:enable_performance_monitoring";

    /// <summary>First parts of the names.</summary>
    public static IEnumerable<string> Sections { get; } =
        [.. Settings.Keys.Concat(WithoutEffect.Keys).Select(k => k.Split(':')[0]).Distinct(StringComparer.Ordinal)];

    private static readonly Dictionary<string, string> LogLevels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TRACE"] = "Trace",
        ["DEBUG"] = "Debug",
        ["INFO"] = "Information",
        ["INFORMATION"] = "Information",
        ["WARN"] = "Warning",
        ["WARNING"] = "Warning",
        ["ERROR"] = "Error",
        ["CRITICAL"] = "Critical",
        ["NONE"] = "None",
    };

    public static bool IsPlans(string key) =>
        Settings.ContainsKey(key) || WithoutEffect.ContainsKey(key)
        || key.Equals(PostgresqlEnabled, StringComparison.OrdinalIgnoreCase) || key.Equals(Monitoring, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the plan has a section of this name: then only the plan's keys are in it.</summary>
    public static IEnumerable<string> Of(string section) =>
        Settings.Keys.Concat(WithoutEffect.Keys).Append(PostgresqlEnabled).Append(Monitoring)
            .Where(k => k.StartsWith(section + ':', StringComparison.OrdinalIgnoreCase))
            .Select(k => k[(section.Length + 1)..]);

    public static bool IsSwitch(string key) =>
        key.StartsWith("adapters:", StringComparison.OrdinalIgnoreCase) || key.StartsWith("memory_service:", StringComparison.OrdinalIgnoreCase)
        || key.Equals(PostgresqlEnabled, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="SettingsException">It is no such level.</exception>
    public static string LogLevel(string? value, string path) =>
        LogLevels.TryGetValue(value ?? "", out var level)
            ? level
            : throw new SettingsException($"{path}: log_level '{value}' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL.");
}
