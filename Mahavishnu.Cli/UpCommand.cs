using System.CommandLine;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu up</c>: every service in one process, until it is told to stop.</summary>
internal static class UpCommand
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var port = WholeNumber.Option("--port", 0, 65_535, "Port on this machine; default 8686, 0 takes a free one");
        var command = new Command("up", "Start everything and serve until Ctrl+C") { port };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(port), options.IsJson(parsed), terminal, ct));
        return command;
    }

    private static async Task<int> RunAsync(int? port, bool json, Terminal terminal, CancellationToken ct)
    {
        var builder = Settings.Load(port is null ? null : FormattableString.Invariant($"http://127.0.0.1:{port}"), quiet: false);
        var database = await DatabaseChoice.MakeAsync(builder.Configuration, ct);
        terminal.Say($"using the {database.Description}");
        // Only what the user could read anyway, and only while nobody else can ask.
        string[] roots = [Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)];
        await using var all = await AllInOne.StartAsync(builder, database, roots, ct);
        if (all.Upgrades.Count > 0)
        {
            terminal.Say($"the schema was upgraded to version {SchemaStore.ProgramVersion}");
        }

        await all.WarmAsync(ct);
        using var http = ServiceConnection.CreateClient(all.Address);
        Announce(all, await new AdminClient(http).EmbeddingsAsync(ct), json, terminal);
        await all.WaitAsync(ct);
        terminal.Say(database.Given ? "stopped" : "stopped; the private database stays up until `mahavishnu db down`");
        return ExitCode.Done;
    }

    private static void Announce(AllInOne all, EmbeddingStatus embeddings, bool json, Terminal terminal)
    {
        var urls = new Dictionary<string, Uri>(StringComparer.Ordinal)
        {
            ["api"] = new(all.Url, Resources.Api),
            ["mcp"] = new(all.Url, Resources.Mcp),
            ["openapi"] = new(all.Url, ApiDocument.Path),
            ["page"] = new(all.Url, ApiDocument.Page),
            ["health"] = new(all.Url, HealthRoutes.Ready),
        };
        if (json)
        {
            terminal.WriteJson(new { version = ProgramVersion.Current, database = DatabaseConnection.Mask(all.Database.ConnectionString), embedding = embeddings.Provider, urls });
            return;
        }

        terminal.Out.WriteLine($"Mahavishnu {ProgramVersion.Current} serves until Ctrl+C:");
        foreach (var (name, url) in urls)
        {
            terminal.Out.WriteLine($"  {name,-8} {url}");
        }

        terminal.Out.WriteLine($"  {"model",-8} {Model(embeddings)}");
        foreach (var line in embeddings.Provider is { } provider ? EmbeddingView.Trouble(provider) : [])
        {
            terminal.Out.WriteLine($"           {line}");
        }

        terminal.Out.Flush();
    }

    /// <summary>What memories are embedded with; the active space decides once there is one.</summary>
    private static string Model(EmbeddingStatus embeddings)
    {
        var state = embeddings.Provider is { } provider ? $": {provider.State}" : "";
        return embeddings.Spaces.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active) is { } space
            ? FormattableString.Invariant($"{space.Model} ({space.Provider}, {space.Dimensions} dimensions){state}")
            : $"{embeddings.Provider?.Model ?? "none yet"}{(embeddings.Provider is null ? "" : $" ({embeddings.Provider.Provider})")}{state}";
    }
}
