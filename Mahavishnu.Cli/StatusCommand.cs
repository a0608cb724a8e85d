using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu status</c>: what runs, on which database, and how far the work is. Starts nothing.</summary>
internal static class StatusCommand
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var command = new Command("status", "Say what runs and how far the work is; exit code 1 where none runs or it is unhealthy");
        command.SetAction(async (parsed, ct) =>
        {
            var address = await ServiceConnection.FindAsync(options, parsed, ct);
            return address is null
                ? await WithoutServiceAsync(options.IsJson(parsed), terminal, ct)
                : await OfServiceAsync(address, options.IsJson(parsed), terminal, ct);
        });
        return command;
    }

    private static async Task<int> WithoutServiceAsync(bool json, Terminal terminal, CancellationToken ct)
    {
        var given = DatabaseConnection.Find(Settings.Load().Configuration);
        var database = given is null ? (await PrivateDatabase.CaptureAsync(["status"], ct)).Output.Trim() : DatabaseConnection.Mask(given);
        if (json)
        {
            terminal.WriteJson(new { service = "not running", database });
        }
        else
        {
            terminal.Out.WriteLine("service   not running; `mahavishnu up` starts it");
            terminal.Out.WriteLine(database.Length == 0 ? "database  none yet" : $"database  {(given is null ? "private" : "given")}: {database}");
        }

        return ExitCode.Failed;
    }

    private static async Task<int> OfServiceAsync(ServiceAddress address, bool json, Terminal terminal, CancellationToken ct)
    {
        using var http = ServiceConnection.CreateClient(address);
        // 503 carries the document as well: it says which component is down.
        using var response = await http.GetAsync(new Uri($"{Resources.Api}/health", UriKind.Relative), ct);
        if (response.StatusCode == System.Net.HttpStatusCode.Unauthorized)
        {
            throw new CliException($"the service at {address.Url} wants another API key: --api-key, or {GlobalOptions.ApiKeyVariable}");
        }

        var health = await response.Content.ReadFromJsonAsync<HealthDocument>(WireJson.Lenient, ct)
            ?? throw new CliException($"the service at {address.Url} has no health document");
        var up = response.IsSuccessStatusCode;
        var embeddings = up ? await new AdminClient(http).EmbeddingsAsync(ct) : null;
        var repositories = up ? (await new RepositoriesClient(http).ListAsync(ct)).Items : [];
        if (json)
        {
            terminal.WriteJson(new { url = address.Url, health, embeddings, repositories });
        }
        else
        {
            Write(address, health, embeddings, repositories, terminal);
        }

        return up ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Write(ServiceAddress address, HealthDocument health, EmbeddingStatus? embeddings, IReadOnlyList<Repository> repositories, Terminal terminal)
    {
        var screen = terminal.Screen;
        screen.Write(new Text($"{address.Url}  {health.Status}, version {health.Version}, up {TimeSpan.FromSeconds(Math.Round(health.UptimeSeconds)).ToString("c", CultureInfo.InvariantCulture)}\n"));
        terminal.Table(["component", "status", "", "ms"], health.Components.Select(c =>
            new[] { c.Name, c.Status, c.Message ?? "", c.LatencyMs?.ToString("0.0", CultureInfo.InvariantCulture) ?? "" }));
        if (embeddings is not null)
        {
            terminal.Table(["embedding space", "state", "vectors", "index"], embeddings.Spaces.Select(s =>
                new[] { $"{s.Model} ({s.Dimensions})", s.State, EmbeddingView.Number(s.Vectors), EmbeddingView.BriefIndex(s) }));
            foreach (var line in EmbeddingView.Provider(embeddings)
                .Concat(EmbeddingView.Queues(embeddings, TimeProvider.System.GetUtcNow()))
                .Concat(embeddings.Spaces.Where(s => s.State == EmbeddingSpaceStates.Active).SelectMany(EmbeddingView.Index)))
            {
                screen.Write(new Text($"{line}\n"));
            }
        }

        if (repositories.Count > 0)
        {
            terminal.Table(["repository", "status", "files", "chunks", "ingested", "path"], repositories.Select(r =>
                new[] { r.RepoId, r.Status, r.Files.ToString("N0", CultureInfo.InvariantCulture), r.Chunks.ToString("N0", CultureInfo.InvariantCulture), WireTime.Format(r.IngestedAt), r.Path }));
        }
    }
}
