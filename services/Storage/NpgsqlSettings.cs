using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;

namespace Mahavishnu.Storage;

/// <summary>What Aspire.Npgsql lets a deployment say of a data source, by the same keys: <c>Aspire:Npgsql</c> for any, <c>Aspire:Npgsql:mahavishnu</c> for this one, which wins.</summary>
internal sealed class NpgsqlSettings
{
    public const string Section = "Aspire:Npgsql";
    public const string NamedSection = $"{Section}:{Resources.Database}";

    /// <summary>The connection string goes where the others are compared: <see cref="DatabaseConnection"/>.</summary>
    public bool DisableHealthChecks { get; set; }

    public bool DisableTracing { get; set; }

    public bool DisableMetrics { get; set; }

    public static NpgsqlSettings Read(IConfiguration configuration)
    {
        var settings = new NpgsqlSettings();
        configuration.GetSection(Section).Bind(settings);
        configuration.GetSection(NamedSection).Bind(settings);
        return settings;
    }
}
