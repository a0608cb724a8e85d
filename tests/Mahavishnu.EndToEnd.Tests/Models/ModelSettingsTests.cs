using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>What the settings say of the model and cannot be meant stops the start, and names the key.</summary>
public sealed class ModelSettingsTests(PostgresFixture postgres)
{
    private const string Up = "Mahavishnu.Cli";
    private const string Ingest = "services/Ingest/Mahavishnu.Ingest.Service";
    private const string Search = "services/Search/Mahavishnu.Search.Service";

    private static readonly Dictionary<string, string> Assemblies = new(StringComparer.Ordinal)
    {
        [Up] = "mahavishnu-cli",
        [Ingest] = "Mahavishnu.Ingest.Service",
        [Search] = "Mahavishnu.Search.Service",
    };

    [Theory]
    [InlineData(Up, "OLLAMA_BASE_URL", "OLLAMA_BASE_URL=localhost")]
    [InlineData(Search, "Embedding:Provider", "Embedding__Provider=cloud")]
    [InlineData(Up, "ConnectionStrings:embed", "ConnectionStrings__embed=Endpoint=http://one.example:11434;Model=nomic-embed-text", "OLLAMA_BASE_URL=http://two.example:11434")]
    [InlineData(Ingest, "OLLAMA_BASE_URL", "ConnectionStrings__embed=Endpoint=http://one.example:11434", "OLLAMA_BASE_URL=http://two.example:11434")]
    public async Task The_start_ends_with_a_sentence_that_names_the_key(string program, string key, params string[] settings)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [$"ConnectionStrings__{Resources.Database}"] = database.ConnectionString,
            ["urls"] = "http://127.0.0.1:0",
        };
        foreach (var setting in settings)
        {
            var name = setting[..setting.IndexOf('=', StringComparison.Ordinal)];
            environment[name] = setting[(name.Length + 1)..];
        }

        await using var process = ProgramProcess.Start(program, Assemblies[program], program == Up ? ["up", "--port", "0"] : [], environment);
        var code = await process.ExitCodeAsync();

        Assert.NotEqual(0, code);
        Assert.Contains(key, process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at Mahavishnu", process.Output, StringComparison.Ordinal);
    }
}
