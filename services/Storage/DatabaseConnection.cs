using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Which database is meant, and how to say so without its password.</summary>
public static class DatabaseConnection
{
    private const string Key = $"ConnectionStrings:{Resources.Database}";

    private static readonly string[] Parts =
        ["MAHAVISHNU_PG_HOST", "MAHAVISHNU_PG_PORT", "MAHAVISHNU_PG_DATABASE", "MAHAVISHNU_PG_USER", "MAHAVISHNU_PG_PASSWORD"];

    /// <summary>The database that the configuration names: <c>ConnectionStrings:mahavishnu</c>, or the parts <c>MAHAVISHNU_PG_*</c>; null where neither is set.</summary>
    /// <exception cref="DatabaseConfigurationException">A value cannot be read, or the two name different databases.</exception>
    public static string? Find(IConfiguration configuration)
    {
        var given = configuration.GetConnectionString(Resources.Database);
        var parts = Parts.Where(p => !string.IsNullOrEmpty(configuration[p])).ToList();
        if (string.IsNullOrWhiteSpace(given))
        {
            return parts.Count == 0 ? null : FromParts(configuration).ConnectionString;
        }

        var connection = Parse(Key, given);
        if (parts.Count > 0)
        {
            foreach (var (part, value, same) in Compare(connection, configuration))
            {
                if (!same)
                {
                    throw new DatabaseConfigurationException(part, $"{Key} ({Mask(given)}) and {part} ({(part.EndsWith("PASSWORD", StringComparison.Ordinal) ? "***" : value)}) name different databases. Remove one of them.");
                }
            }
        }

        return connection.ConnectionString;
    }

    /// <summary>As <see cref="Find"/>, for programs that cannot go on without.</summary>
    public static string Require(IConfiguration configuration) =>
        Find(configuration) ?? throw new DatabaseConfigurationException(Key, $"{Key} is missing: no database is configured. Give a connection string, or MAHAVISHNU_PG_HOST and its fellows.");

    /// <summary><c>Host=…;Port=…;Database=…;Username=…;Password=***</c>: for logs, health and the start-up line.</summary>
    public static string Mask(string connectionString)
    {
        NpgsqlConnectionStringBuilder c;
        try
        {
            c = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (ArgumentException)
        {
            return "(unreadable connection string)";
        }

        var password = string.IsNullOrEmpty(c.Password) ? "" : ";Password=***";
        return $"Host={c.Host};Port={c.Port};Database={c.Database};Username={c.Username}{password}";
    }

    private static NpgsqlConnectionStringBuilder Parse(string key, string value)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(value);
        }
        catch (ArgumentException e)
        {
            throw new DatabaseConfigurationException(key, $"{key} cannot be read: {e.Message}");
        }
    }

    private static NpgsqlConnectionStringBuilder FromParts(IConfiguration configuration)
    {
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = configuration["MAHAVISHNU_PG_HOST"] is { Length: > 0 } host ? host : "localhost",
            Port = Port(configuration) ?? 5432,
            Database = configuration["MAHAVISHNU_PG_DATABASE"] is { Length: > 0 } database ? database : Resources.Database,
            Username = configuration["MAHAVISHNU_PG_USER"] is { Length: > 0 } user ? user : "postgres",
        };
        if (configuration["MAHAVISHNU_PG_PASSWORD"] is { Length: > 0 } password)
        {
            connection.Password = password;
        }

        return connection;
    }

    private static int? Port(IConfiguration configuration) => configuration["MAHAVISHNU_PG_PORT"] switch
    {
        null or "" => null,
        var text when int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65_536 => port,
        var text => throw new DatabaseConfigurationException("MAHAVISHNU_PG_PORT", $"MAHAVISHNU_PG_PORT is '{text}', which is not a port number."),
    };

    private static IEnumerable<(string Part, string? Value, bool Same)> Compare(NpgsqlConnectionStringBuilder given, IConfiguration configuration)
    {
        var port = Port(configuration);
        string?[] said = [given.Host, null, given.Database ?? given.Username, given.Username, given.Password];
        for (var i = 0; i < Parts.Length; i++)
        {
            var value = configuration[Parts[i]];
            if (!string.IsNullOrEmpty(value))
            {
                yield return (Parts[i], value, i == 1 ? given.Port == port : string.Equals(said[i], value, StringComparison.Ordinal));
            }
        }
    }
}

/// <summary>A setting of the database connection that cannot be used; <see cref="Key"/> names it.</summary>
public sealed class DatabaseConfigurationException(string key, string message) : SettingsException(message)
{
    public string Key { get; } = key;
}
