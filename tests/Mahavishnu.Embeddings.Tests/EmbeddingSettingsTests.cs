using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>Every way to say which model is meant, and what is said where it cannot be meant.</summary>
public sealed class EmbeddingSettingsTests
{
    [Fact]
    public void Without_a_word_it_is_Ollama_where_it_usually_is()
    {
        var settings = Read();

        Assert.Equal(("auto", "nomic-embed-text", "http://localhost:11434/"), (settings.Provider, settings.Model, settings.Url.ToString()));
        Assert.Equal(("cosine", null, false, 2_048), (settings.Distance, settings.Profile, settings.Pull, settings.MaxInputTokens));
        Assert.Contains("OLLAMA_BASE_URL is not set", settings.Server, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OLLAMA_BASE_URL", "http://gpu:11434", "OLLAMA_MODEL", "all-minilm")]
    [InlineData("Embedding:Ollama:Url", "http://gpu:11434/", "Embedding:Model", "all-minilm")]
    public void The_plans_names_and_our_own_both_do(string urlKey, string url, string modelKey, string model)
    {
        var settings = Read((urlKey, url), (modelKey, model), ("Embedding:Provider", " Ollama "));

        Assert.Equal(("ollama", model, "http://gpu:11434/"), (settings.Provider, settings.Model, settings.Url.ToString()));
        Assert.Equal($"{urlKey} http://gpu:11434", settings.Server);
        Assert.Equal(modelKey, settings.ModelKey);
    }

    [Fact]
    public void A_path_in_front_stays_and_a_password_is_not_shown()
    {
        var settings = Read(("OLLAMA_BASE_URL", "https://me:secret@proxy/ollama"));

        Assert.Equal("/ollama/api/tags", new Uri(settings.Url, "api/tags").AbsolutePath);
        Assert.DoesNotContain("secret", settings.Server, StringComparison.Ordinal);
        Assert.Contains("https://proxy/ollama", settings.Server, StringComparison.Ordinal);
    }

    [Fact]
    public void The_connection_string_of_Aspire_says_both()
    {
        var settings = Read(("ConnectionStrings:embed", "Endpoint=http://127.0.0.1:39001;Model=nomic-embed-text:latest"));

        Assert.Equal(("nomic-embed-text:latest", "http://127.0.0.1:39001/"), (settings.Model, settings.Url.ToString()));
        Assert.Equal("ConnectionStrings:embed http://127.0.0.1:39001", settings.Server);
    }

    [Fact]
    public void Said_twice_is_no_trouble_while_it_is_the_same()
    {
        var settings = Read(
            ("ConnectionStrings:embed", "Endpoint=http://gpu:11434;Model=nomic-embed-text:latest"), ("OLLAMA_BASE_URL", "http://gpu:11434/"), ("OLLAMA_MODEL", "nomic-embed-text"));

        Assert.Equal("http://gpu:11434/", settings.Url.ToString());
    }

    [Theory]
    [InlineData("ConnectionStrings:embed", "Endpoint=http://one:11434;Model=a", "OLLAMA_BASE_URL", "http://two:11434")]
    [InlineData("ConnectionStrings:embed", "Endpoint=http://one:11434;Model=a", "OLLAMA_MODEL", "b")]
    [InlineData("Embedding:Ollama:Url", "http://one:11434", "OLLAMA_BASE_URL", "http://two:11434")]
    [InlineData("Embedding:Model", "a", "OLLAMA_MODEL", "b")]
    public void Said_twice_and_differently_names_both_keys(string key, string value, string otherKey, string otherValue)
    {
        var wrong = Assert.Throws<SettingsException>(() => Read((key, value), (otherKey, otherValue)));

        Assert.Contains(key, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(otherKey, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(otherValue, wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OLLAMA_MODEL", "Embedding:Model", "of-the-environment", "of-the-environment")]
    [InlineData("Embedding:Model", "OLLAMA_MODEL", "of-the-environment", "of-the-environment")]
    [InlineData("OLLAMA_MODEL", "ConnectionStrings:embed", "Endpoint=http://gpu:11434;Model=of-the-environment", "of-the-environment")]
    [InlineData("ConnectionStrings:embed", "OLLAMA_MODEL", "of-the-environment", "of-the-environment")]
    public void Said_differently_by_two_sources_the_stronger_one_wins(string weakKey, string strongKey, string strong, string model)
    {
        var weak = weakKey.StartsWith("ConnectionStrings", StringComparison.Ordinal) ? "Endpoint=http://gpu:11434;Model=of-the-file" : "of-the-file";
        var settings = EmbeddingSettings.Read(new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create(weakKey, (string?)weak)])
            .AddInMemoryCollection([KeyValuePair.Create(strongKey, (string?)strong)])
            .Build());

        Assert.Equal((model, strongKey), (settings.Model, settings.ModelKey));
    }

    [Theory]
    [InlineData("OLLAMA_BASE_URL", "localhost:11434", "'localhost:11434' is not an http(s) URL such as http://localhost:11434")]
    [InlineData("OLLAMA_BASE_URL", "ftp://localhost", "not an http(s) URL")]
    [InlineData("Embedding:Ollama:Url", "nonsense", "not an http(s) URL")]
    [InlineData("ConnectionStrings:embed", "Endpoint=nonsense;Model=a", "not an http(s) URL")]
    [InlineData("ConnectionStrings:embed", "Model=a", "has no Endpoint")]
    [InlineData("ConnectionStrings:embed", "http://localhost:11434", "cannot be read")]
    [InlineData("Embedding:Provider", "openai", "'openai' is not one of auto, ollama, builtin")]
    [InlineData("Embedding:Profile", "nomik", "'nomik' is not one of none, nomic")]
    [InlineData("Embedding:Distance", "euclid", "'euclid' is not one of cosine, l2, ip")]
    [InlineData("Embedding:Pull", "perhaps", "'perhaps' is not a true or false")]
    [InlineData("Embedding:MaxInputTokens", "0", "'0' is not a whole number from 16 to 1000000")]
    [InlineData("Embedding:MaxInputTokens", "many", "'many' is not a whole number")]
    public void What_cannot_be_meant_is_told_by_its_key(string key, string value, string says)
    {
        var wrong = Assert.Throws<SettingsException>(() => Read((key, value)));

        Assert.StartsWith(key, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OLLAMA_BASE_URL", "localhost:11434")]
    [InlineData("Embedding:Provider", "openai")]
    [InlineData("Embedding:Ollama:Concurrency", "0")]
    public async Task It_stops_the_start(string key, string value)
    {
        var stopped = await Assert.ThrowsAnyAsync<Exception>(() => OllamaWorld.StartAsync((key, value)));

        Assert.Contains(StartupMessage(stopped), m => m.Contains(key, StringComparison.Ordinal));
    }

    private static IReadOnlyList<string> StartupMessage(Exception e) => ServiceDefaults.StartupErrors.Describe(e) ?? [];

    private static EmbeddingSettings Read(params (string Key, string? Value)[] settings) =>
        EmbeddingSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value))).Build());
}
