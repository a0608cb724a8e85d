namespace Mahavishnu.Cli.Tests;

/// <summary>The program, run inside the test as the shell would run it.</summary>
internal static class Cli
{
    public static Task<CliRun> RunAsync(params string[] args) => RunWithInputAsync("", args);

    public static async Task<CliRun> RunWithInputAsync(string input, params string[] args)
    {
        using var reader = new StringReader(input);
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await CommandLine.RunAsync(args, new Terminal(output, error, reader), TestContext.Current.CancellationToken);
        return new CliRun(code, output.ToString(), error.ToString());
    }
}

internal sealed record CliRun(int Code, string Out, string Error);

/// <summary>Environment variables are the process's own: tests that set them run one after the other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EnvironmentCollection
{
    public const string Name = "environment";
}

/// <summary>Variables for the time of a test; whatever the shell says about real services and memories is out of sight.</summary>
internal sealed class Variables : IDisposable
{
    private readonly Dictionary<string, string?> _before = new(StringComparer.Ordinal);

    public Variables(params (string Name, string? Value)[] variables)
    {
        Set("MAHAVISHNU_SETTINGS", "");
        Set("MAHAVISHNU_URL", null);
        Set("MAHAVISHNU_API_KEY", null);
        Set("ConnectionStrings__mahavishnu", null);
        foreach (var part in new[] { "HOST", "PORT", "DATABASE", "USER", "PASSWORD" })
        {
            Set($"MAHAVISHNU_PG_{part}", null);
        }

        Set("ConnectionStrings__embed", null);
        Set("OLLAMA_BASE_URL", null);
        Set("OLLAMA_MODEL", null);
        // Not the one that happens to run on this machine.
        Set("Embedding__Provider", "builtin");
        // A port on which nothing listens, so that no service of the developer's own is found.
        Set("ASPNETCORE_URLS", "http://127.0.0.1:1");
        foreach (var (name, value) in variables)
        {
            Set(name, value);
        }
    }

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }
}
