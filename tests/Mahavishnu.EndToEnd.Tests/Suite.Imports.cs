using System.Text.Json;
using DuckDB.NET.Data;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    [Fact]
    public async Task What_was_imported_is_found_by_its_words_at_once_with_its_own_time_and_goes_again()
    {
        var word = Unique("axolotl").Replace("-", "", StringComparison.Ordinal);
        var imports = new ImportsClient(System.Http);
        var path = WriteSessionBuddy(word);

        var operation = await imports.StartAsync(new ImportRequest { Paths = [path], TimeZone = "America/Los_Angeles" }, Ct);
        await foreach (var now in System.Operations.WatchAsync(operation.Id, Ct))
        {
            operation = now;
        }

        Assert.True(operation.State == OperationStates.Completed, $"{operation}\n{System.Output}");
        var report = operation.Result!.Value.Deserialize<ImportReport>(WireJson.Lenient)!;
        Assert.Equal((new ImportCounts(3, 1, 1, 1), true), (report.Total, report.Verified));
        var question = new SearchRequest { Query = word, Mode = SearchModes.Text, Sources = ["session_buddy"] };
        var hit = Assert.Single((await System.Search.SearchAsync(question, Ct)).Hits);
        Assert.Equal((MemoryTypes.Insight, "session_buddy", new DateTimeOffset(2026, 7, 1, 19, 30, 0, TimeSpan.Zero)), (hit.Type, hit.Source, hit.OccurredAt));
        var import = await imports.GetAsync(report.ImportId!.Value, Ct);
        Assert.Equal((ImportStatuses.Completed, report.Total, operation.Id), (import.Status, import.Total, import.OperationId));
        Assert.Contains(import.ImportId, (await imports.ListAsync(ct: Ct)).Items.Select(i => (Guid?)i.ImportId));
        Assert.Equal(3, Assert.Single((await imports.RejectsAsync(import.ImportId!.Value, ct: Ct)).Items).Row);
        await EmbeddedAsync(hit.Id);

        var undo = await imports.UndoAsync(import.ImportId.Value, Ct);
        await Eventually.Async(() => System.Operations.GetAsync(undo.Id, Ct), o => o.State == OperationStates.Completed, "The undo");
        Assert.Empty((await System.Search.SearchAsync(question, Ct)).Hits);
        Assert.Equal(ImportStatuses.Undone, (await imports.GetAsync(import.ImportId.Value, Ct)).Status);
    }

    private string WriteSessionBuddy(string word)
    {
        var path = Path.Combine(running.Roots.Path, $"{word}.duckdb");
        using var connection = new DuckDBConnection($"Data Source={path}");
        connection.Open();
        string[] statements =
        [
            "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            $"INSERT INTO reflections VALUES ('a', 'The {word} regrows its limbs', 'lab', NULL, '2026-07-01 12:30:00', NULL), ('b', 'The {word} regrows its limbs', NULL, NULL, NULL, NULL), ('c', ' ', NULL, NULL, NULL, NULL)",
        ];
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }

        return path;
    }
}
