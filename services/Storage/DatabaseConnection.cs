using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Which database is meant, and how to say so without its password.</summary>
public static class DatabaseConnection
{
    private const string Key = $"ConnectionStrings:{Resources.Database}";

    // Aspire's, the one that is meant for this data source first.
    private static readonly string[] AspireKeys = [$"{NpgsqlSettings.NamedSection}:ConnectionString", $"{NpgsqlSettings.Section}:ConnectionString"];

    private static readonly string[] Parts =
        ["MAHAVISHNU_PG_HOST", "MAHAVISHNU_PG_PORT", "MAHAVISHNU_PG_DATABASE", "MAHAVISHNU_PG_USER", "MAHAVISHNU_PG_PASSWORD"];

    /// <summary>Every key but <c>ConnectionStrings:mahavishnu</c> that names the database: what a program leaves empty that has chosen one itself.</summary>
    public static IReadOnlyList<string> OtherKeys { get; } = [.. AspireKeys, .. Parts];

    /// <summary>
    /// The database that the configuration names: <c>ConnectionStrings:mahavishnu</c>, else <c>Aspire:Npgsql:mahavishnu:ConnectionString</c>, else
    /// <c>Aspire:Npgsql:ConnectionString</c>, else the parts <c>MAHAVISHNU_PG_*</c>; null where none is set.
    /// </summary>
    /// <exception cref="DatabaseConfigurationException">A value cannot be read, or two name different databases.</exception>
    public static string? Find(IConfiguration configuration)
    {
        // Aspire's own two are one setting: what is said for this data source replaces what is said for any.
        var given = new[] { Key, Array.Find(AspireKeys, key => !string.IsNullOrWhiteSpace(configuration[key])) }
            .OfType<string>()
            .Where(key => !string.IsNullOrWhiteSpace(configuration[key]))
            .Select(key => (Key: key, Connection: Parse(key, configuration[key]!)))
            .ToList();
        if (given.Count == 0)
        {
            return Parts.All(p => string.IsNullOrEmpty(configuration[p])) ? null : FromParts(configuration).ConnectionString;
        }

        var (first, connection) = given[0];
        foreach (var (key, other) in given.Skip(1).Where(g => Target(g.Connection) != Target(connection)))
        {
            throw Different(key, $"{first} ({Mask(connection.ConnectionString)})", Mask(other.ConnectionString));
        }

        foreach (var (part, value, _) in Compare(connection, configuration).Where(c => !c.Same))
        {
            throw Different(part, $"{first} ({Mask(connection.ConnectionString)})", part.EndsWith("PASSWORD", StringComparison.Ordinal) ? "***" : value!);
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

    private static (string?, int, string?, string?, string?) Target(NpgsqlConnectionStringBuilder c) => (c.Host, c.Port, c.Database ?? c.Username, c.Username, c.Password);

    private static DatabaseConfigurationException Different(string key, string first, string value) =>
        new(key, $"{first} and {key} ({value}) name different databases. Remove one of them.");

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
