using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>Which database is meant, and how it is named without its password.</summary>
public sealed class ConnectionTests
{
    private const string Given = "Host=db.example;Port=5433;Database=memories;Username=me;Password=se;Cret=t";

    [Fact]
    public void Nothing_configured_is_no_database()
    {
        Assert.Null(DatabaseConnection.Find(Configuration()));
        var refusal = Assert.Throws<DatabaseConfigurationException>(() => DatabaseConnection.Require(Configuration()));
        Assert.Contains("ConnectionStrings:mahavishnu", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("MAHAVISHNU_PG_HOST", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_is_taken_as_it_is()
    {
        var found = Parse(Configuration(("ConnectionStrings:mahavishnu", "Host=h;Database=d;Username=u;Password=p;SSL Mode=Require")));

        Assert.Equal(("h", 5432, "d", "u", "p", SslMode.Require), (found.Host, found.Port, found.Database, found.Username, found.Password, found.SslMode));
    }

    [Fact]
    public void Parts_have_defaults()
    {
        var found = Parse(Configuration(("MAHAVISHNU_PG_PASSWORD", "p;=' x")));

        Assert.Equal(("localhost", 5432, "mahavishnu", "postgres", "p;=' x"), (found.Host, found.Port, found.Database, found.Username, found.Password));
        found = Parse(Configuration(("MAHAVISHNU_PG_HOST", "h"), ("MAHAVISHNU_PG_PORT", "1"), ("MAHAVISHNU_PG_DATABASE", "d"), ("MAHAVISHNU_PG_USER", "u")));
        Assert.Equal(("h", 1, "d", "u", null), (found.Host, found.Port, found.Database, found.Username, found.Password));
    }

    [Fact]
    public void Both_saying_the_same_is_fine() =>
        Assert.Equal("h", Parse(Configuration(
            ("ConnectionStrings:mahavishnu", "Host=h;Port=5433;Database=d;Username=u;Password=p"), ("MAHAVISHNU_PG_HOST", "h"), ("MAHAVISHNU_PG_PORT", "5433"),
            ("MAHAVISHNU_PG_DATABASE", "d"), ("MAHAVISHNU_PG_USER", "u"), ("MAHAVISHNU_PG_PASSWORD", "p"))).Host);

    [Theory]
    [InlineData("MAHAVISHNU_PG_HOST", "elsewhere")]
    [InlineData("MAHAVISHNU_PG_PORT", "1")]
    [InlineData("MAHAVISHNU_PG_DATABASE", "other")]
    [InlineData("MAHAVISHNU_PG_USER", "root")]
    [InlineData("MAHAVISHNU_PG_PASSWORD", "hunter2")]
    public void Both_saying_different_things_is_refused_naming_both(string part, string value)
    {
        var configuration = Configuration(("ConnectionStrings:mahavishnu", "Host=h;Port=5433;Database=d;Username=u;Password=geheim"), (part, value));

        var refusal = Assert.Throws<DatabaseConfigurationException>(() => DatabaseConnection.Find(configuration));

        Assert.Equal(part, refusal.Key);
        Assert.Contains("ConnectionStrings:mahavishnu", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Aspires_keys_are_asked_when_the_connection_string_is_missing_the_named_one_first()
    {
        (string, string?)[] settings =
            [("MAHAVISHNU_PG_HOST", "h"), ("Aspire:Npgsql:ConnectionString", "Host=any"), ("Aspire:Npgsql:mahavishnu:ConnectionString", "Host=h;Timeout=7"), ("ConnectionStrings:mahavishnu", "Host=h;Timeout=9")];

        Assert.Equal(9, Parse(Configuration(settings)).Timeout);
        Assert.Equal(7, Parse(Configuration(settings[..3])).Timeout);
        Assert.Equal("any", Parse(Configuration(settings[1])).Host);
        Assert.Equal("any", Parse(Configuration(settings[1], ("Aspire:Npgsql:mahavishnu:ConnectionString", ""))).Host);
        Assert.Equal("h", Parse(Configuration(settings[0])).Host);
    }

    [Theory]
    [InlineData("Aspire:Npgsql:mahavishnu:ConnectionString", "ConnectionStrings:mahavishnu", "Host=h;Port=5433;Username=u;Password=hunter2")]
    [InlineData("Aspire:Npgsql:ConnectionString", "ConnectionStrings:mahavishnu", "Host=h;Port=5433;Database=d;Username=u;Password=hunter2")]
    [InlineData("MAHAVISHNU_PG_HOST", "Aspire:Npgsql:ConnectionString", "elsewhere")]
    public void Aspires_keys_and_others_that_name_different_databases_are_refused_naming_both(string second, string first, string value)
    {
        var configuration = Configuration((first, "Host=h;Port=5433;Database=d;Username=u;Password=geheim"), (second, value));

        var refusal = Assert.Throws<DatabaseConfigurationException>(() => DatabaseConnection.Find(configuration));

        Assert.Equal(second, refusal.Key);
        Assert.Contains(first, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(second, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_has_chosen_a_database_can_silence_every_other_key() =>
        Assert.Equal("h", Parse(Configuration(
            [("ConnectionStrings:mahavishnu", "Host=h"), .. DatabaseConnection.OtherKeys.Select(key => (key, (string?)""))])).Host);

    [Theory]
    [InlineData("Aspire:Npgsql:ConnectionString", "Hots=h")]
    [InlineData("Aspire:Npgsql:mahavishnu:ConnectionString", "postgres://user:geheim@host/db")]
    [InlineData("MAHAVISHNU_PG_PORT", "fifty")]
    [InlineData("MAHAVISHNU_PG_PORT", "0")]
    [InlineData("MAHAVISHNU_PG_PORT", "65536")]
    [InlineData("MAHAVISHNU_PG_PORT", "-1")]
    [InlineData("ConnectionStrings:mahavishnu", "Hots=h")]
    [InlineData("ConnectionStrings:mahavishnu", "Host=h;Port=x")]
    [InlineData("ConnectionStrings:mahavishnu", "postgres://user:geheim@host/db")]
    public void What_cannot_be_read_is_refused_naming_the_key(string key, string value)
    {
        var refusal = Assert.Throws<DatabaseConfigurationException>(() => DatabaseConnection.Find(Configuration((key, value))));

        Assert.Equal(key, refusal.Key);
        Assert.StartsWith(key, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=h;Port=5433;Database=d;Username=u;Password=geheim", "Host=h;Port=5433;Database=d;Username=u;Password=***")]
    [InlineData("Host=h;Username=u", "Host=h;Port=5432;Database=;Username=u")]
    [InlineData(Given, "(unreadable connection string)")]
    [InlineData("postgres://u:geheim@h/d", "(unreadable connection string)")]
    public void A_connection_is_named_without_its_password(string given, string said) =>
        Assert.Equal(said, DatabaseConnection.Mask(given));

    private static IConfiguration Configuration(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value))).Build();

    private static NpgsqlConnectionStringBuilder Parse(IConfiguration configuration) => new(DatabaseConnection.Require(configuration));
}
