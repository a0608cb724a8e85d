using System.CommandLine;
using System.Diagnostics;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu demo</c>: from nothing to a searchable memory on real input, in a database of its own; fails when something expected is not found.</summary>
internal static class DemoCommand
{
    public const string Database = "mahavishnu_demo";

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var command = new Command("demo", "Ingest this repository into a database of its own, store memories, search, and show what was found");
        command.SetAction((parsed, ct) => RunAsync(options.IsJson(parsed), terminal, ct));
        return command;
    }

    private static async Task<int> RunAsync(bool json, Terminal terminal, CancellationToken ct)
    {
        var root = Checkout.Require("demo");
        var clock = new PhaseClock();
        var builder = Settings.Load("http://127.0.0.1:0");
        // Whatever the settings allow, this repository is what the demo is about.
        builder.Configuration.AddInMemoryCollection([new("Ingest:Roots:0", root)]);
        var database = await DatabaseChoice.MakeFreshAsync(builder.Configuration, Database, ct);
        terminal.Say($"using the {database.Description}");
        clock.End("database");

        await using var all = await AllInOne.StartAsync(builder, database, roots: [], ct);
        await all.WarmAsync(ct);
        using var http = ServiceConnection.CreateClient(all.Address);
        clock.End("start");

        var ingestion = await IngestAsync(http, root, terminal, ct);
        clock.End("read and store the repository");
        var stored = await new MemoriesClient(http).AddBatchAsync(DemoQuestions.Memories, ct: ct);
        clock.End("store memories");
        await Following.EmbeddingAsync(http, terminal, ct);
        clock.End("embed the rest");

        var answers = new List<DemoAnswer>();
        foreach (var question in DemoQuestions.All)
        {
            answers.Add(new DemoAnswer(question, await new SearchClient(http).SearchAsync(question.Request, ct)));
        }

        clock.End("search");
        var report = new DemoReport(ingestion, stored.Counts, answers, clock.Phases);
        if (json)
        {
            terminal.WriteJson(report.Summary());
        }
        else
        {
            report.Write(terminal);
        }

        return report.AllFound ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<RepositoryResult> IngestAsync(HttpClient http, string root, Terminal terminal, CancellationToken ct)
    {
        var request = new IngestRepositoryRequest { Path = root, RepoId = DemoQuestions.Repository, Exclude = [DemoQuestions.File] };
        var accepted = await new RepositoriesClient(http).IngestAsync(request, ct);
        var done = await Following.OperationAsync(http, accepted, $"reading {root}", terminal, ct);
        return done.Result is { } result && done.State == OperationStates.Completed
            ? System.Text.Json.JsonSerializer.Deserialize<RepositoryResult>(result, WireJson.Lenient)!
            : throw new CliException($"the ingestion of {root} is {done.State}: {done.Error?.Message}");
    }

    /// <summary>How long each step took.</summary>
    private sealed class PhaseClock
    {
        private readonly Dictionary<string, double> _phases = new(StringComparer.Ordinal);
        private long _since = Stopwatch.GetTimestamp();

        /// <summary>Step → seconds, in order.</summary>
        public IReadOnlyDictionary<string, double> Phases => _phases;

        public void End(string phase)
        {
            _phases[phase] = Stopwatch.GetElapsedTime(_since).TotalSeconds;
            _since = Stopwatch.GetTimestamp();
        }
    }
}
