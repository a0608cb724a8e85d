using Microsoft.Extensions.Configuration;

namespace Mahavishnu.Cli.Tests;

/// <summary>Which service a verb talks to.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ServiceAddressTests
{
    [Fact]
    public async Task A_named_service_that_does_not_answer_is_an_error_and_not_replaced()
    {
        using var variables = new Variables();

        var run = await Cli.RunAsync("search", "--url", "http://127.0.0.1:1", "anything");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("no Mahavishnu answers at http://127.0.0.1:1/", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_variable_names_it_as_well_and_a_bad_one_is_wrong_usage()
    {
        using var variables = new Variables(("MAHAVISHNU_URL", "somewhere"));

        var run = await Cli.RunAsync("status");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("MAHAVISHNU_URL is 'somewhere'", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8686", "http://127.0.0.1:8686/")]
    [InlineData("http://*:8080;https://*:8443", "http://127.0.0.1:8080/")]
    [InlineData("http://0.0.0.0:8080", "http://127.0.0.1:8080/")]
    [InlineData("http://localhost:9000", "http://localhost:9000/")]
    [InlineData("http://127.0.0.1:0", null)]
    [InlineData("", null)]
    public void The_usual_one_is_where_the_settings_let_up_listen(string urls, string? expected)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("urls", urls)]).Build();

        Assert.Equal(expected, ServiceConnection.Usual(configuration, key: null)?.Url.ToString());
    }

    [Theory]
    [InlineData("Auth:ApiKey", "k3y", "***")]
    [InlineData("MAHAVISHNU_PG_PASSWORD", "hidden", "***")]
    [InlineData("OLLAMA_BASE_URL", "http://me:hidden@model.example/", "http://***@model.example/")]
    [InlineData("ConnectionStrings:mahavishnu", "Host=h;Username=u;Password=hidden;Database=d", "Host=h;Port=5432;Database=d;Username=u;Password=***")]
    [InlineData("ConnectionStrings:embed", "Endpoint=http://me:hidden@model.example/;Model=nomic;Key=hidden", "Endpoint=http://***@model.example/;Model=nomic;Key=***")]
    [InlineData("Embedding:Provider", "ollama", "ollama")]
    [InlineData("Embedding:MaxInputTokens", "512", "512")]
    [InlineData("Ingest:Roots:0", "/home/me", "/home/me")]
    public void Settings_are_shown_without_their_secrets(string key, string value, string shown)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value), new("PATH", "/bin")]).Build();

        var settings = ConfigCommand.Read(configuration);

        Assert.Equal(shown, settings.Single(s => s.Key == key).Value);
        Assert.DoesNotContain(settings, s => s.Key == "PATH");
    }
}
