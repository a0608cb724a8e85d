using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A directory in, memories out, over HTTP and a real database.</summary>
public sealed class RepositoryIngestionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Commit = "5e9990d0000000000000000000000000000000ff";

    private SampleRepository _sample = null!;
    private TestDatabase _db = null!;
    private TestHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // First, as it skips the test where there is no server.
        _db = await postgres.CreateDatabaseAsync();
        _sample = new SampleRepository();
        // Without workers what waits to be embedded can be counted.
        _host = await IngestHost.StartAsync(
            _db, ("Embedding:Workers", "0"), ("Ingest:Roots:0", _sample.Root), ("Ingest:Repositories:ChunksPerTransaction", "8"), ("Ingest:Repositories:MaxFileBytes", "20000"));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _db.DisposeAsync();
        _sample.Dispose();
    }

    [Fact]
    public async Task Every_chunk_knows_its_path_lines_language_symbol_and_commit()
    {
        _sample.WriteCode("src/a.cs", 3).Write("README.md", "# Sample\n\nWhat it is.\n").Write(".git/HEAD", Commit);
        var result = await IngestAsync();

        Assert.Equal(("sample", Commit, 2, 4, 4), (result.RepoId, result.Commit, result.FilesChanged, result.ChunksCreated, result.Chunks));
        var rows = await _db.RowsAsync("SELECT title, content, metadata::text, memory_type, source_system, repo_id, project_id FROM memories ORDER BY metadata->>'path', metadata->'ordinal'");
        var (readme, second) = (rows[0], rows[2]);
        Assert.Equal(["README.md · Sample", "# Sample\n\nWhat it is.\n", "rag", "repository", "sample", "proj"], [readme[0], readme[1], .. readme[3..]]);
        var place = JsonElement.Parse((string)second[2]!);
        Assert.Equal("src/a.cs · Sample.Run2", second[0]);
        Assert.Equal(("src/a.cs", "csharp", Commit, 1), (place.GetProperty("path").GetString(), place.GetProperty("language").GetString(), place.GetProperty("commit").GetString(), place.GetProperty("ordinal").GetInt32()));

        var lines = File.ReadAllLines(Path.Combine(_sample.Path, "src/a.cs"))[(place.GetProperty("lines").GetProperty("start").GetInt32() - 1)..place.GetProperty("lines").GetProperty("end").GetInt32()];
        Assert.Equal(string.Join('\n', lines), ((string)second[1]!).TrimEnd('\n') + (lines[^1].Length == 0 ? "\n" : ""));
    }

    [Fact]
    public async Task A_chunk_names_everything_that_it_declares()
    {
        _sample.Write("a.py", "class Reader:\n    def open(self):\n        pass\n\n    def close(self):\n        pass\n\n\ndef helper():\n    pass\n").Write("b.py", "def alone():\n    pass\n");
        await IngestAsync();

        var rows = await _db.RowsAsync("SELECT metadata ->> 'symbol', (metadata -> 'symbols')::text FROM memories ORDER BY metadata ->> 'path'");

        Assert.Equal([["Reader", """["Reader", "Reader.open", "Reader.close", "helper"]"""], ["alone", null]], rows);
    }

    [Fact]
    public async Task A_second_run_touches_what_changed_and_drops_what_is_gone()
    {
        _sample.WriteCode("a.cs", 3).WriteCode("b.cs", 3).WriteCode("c.cs", 2).Write("turned.md", "text");
        await IngestAsync();
        var before = await IdsAsync();

        _sample.WriteCode("b.cs", 4).Write("turned.md", "\0").Delete("c.cs");
        var result = await IngestAsync();

        Assert.Equal((1, 1, 2, 1), (result.FilesChanged, result.FilesUnchanged, result.FilesRemoved, result.FilesSkipped));
        Assert.Equal(KeyValuePair.Create(SkipReasons.Binary, 1), Assert.Single(result.Skipped));
        Assert.True(result.ChunksKept >= 2 && result.ChunksCreated is 1 or 2, $"{result}");
        var after = await IdsAsync();
        Assert.Equal(before["a.cs:0"], after["a.cs:0"]);
        Assert.Equal(before["b.cs:0"], after["b.cs:0"]);
        Assert.DoesNotContain(after.Keys, k => k.StartsWith("c.cs", StringComparison.Ordinal) || k.StartsWith("turned", StringComparison.Ordinal));
        await AssertWholeAsync();

        var third = await IngestAsync();
        Assert.Equal((0, 2, 0), (third.FilesChanged, third.FilesUnchanged, third.ChunksCreated));
        Assert.Equal(after, await IdsAsync());
    }

    [Fact]
    public async Task A_chunk_that_moved_keeps_its_memory_and_vector_and_learns_its_new_lines()
    {
        await _host.Get<EmbeddingSpaceStore>().EnsureActiveAsync(new EmbeddingModel("builtin", "test", "digest", 3, "cosine", "none"), Ct);
        _sample.WriteCode("a.cs", 3);
        await IngestAsync();
        await _db.ExecuteAsync("DELETE FROM embedding_queue");
        var before = await IdsAsync();
        var lines = await LastLinesAsync();

        var path = Path.Combine(_sample.Path, "a.cs");
        File.WriteAllText(path, "// A new first line.\n" + File.ReadAllText(path));
        await IngestAsync();

        var after = await IdsAsync();
        Assert.NotEqual(before["a.cs:0"], after["a.cs:0"]);
        Assert.Equal((before["a.cs:1"], before["a.cs:2"]), (after["a.cs:1"], after["a.cs:2"]));
        Assert.Equal([after["a.cs:0"]], (await _db.RowsAsync("SELECT memory_id FROM embedding_queue")).Select(r => (Guid)r[0]!));
        Assert.Equal(lines.Select(l => l + 1), await LastLinesAsync());
    }

    [Fact]
    public async Task A_run_that_fails_midway_leaves_whole_files_and_the_next_one_goes_on()
    {
        foreach (var name in "abcdefghij")
        {
            _sample.WriteCode($"{name}.cs", 5);
        }

        await _db.ExecuteAsync("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON rag_files FOR EACH ROW WHEN (new.path = 'h.cs' AND new.chunks > 0) EXECUTE FUNCTION refuse();
            """);
        var failed = await EndAsync(await StartAsync());
        Assert.Equal(OperationStates.Failed, failed.State);
        Assert.Equal("failed", (await _host.Repositories.GetAsync("sample", Ct)).Status);
        await AssertWholeAsync();

        await _db.ExecuteAsync("DROP TRIGGER refuse ON rag_files");
        var result = await IngestAsync();
        Assert.InRange(result.FilesChanged, 2, 9);
        Assert.Equal((10, 50), (result.FilesChanged + result.FilesUnchanged, result.Chunks));
        await AssertWholeAsync();
    }

    [Fact]
    public async Task Runs_over_one_repository_at_once_double_nothing_and_lose_nothing()
    {
        foreach (var name in "abcdefgh")
        {
            _sample.WriteCode($"{name}.cs", 4);
        }

        var handler = _host.Services.GetServices<IOperationHandler>().Single(h => h.Kind == OperationKinds.Repository);
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => handler.RunAsync(Run(), Ct)));
            await AssertWholeAsync();
            Assert.Equal(32L, await _db.ScalarAsync<long>("SELECT count(*) FROM memories"));
            _sample.WriteCode("c.cs", 4, $"word{round}").WriteCode("d.cs", 4, $"word{round}");
        }
    }

    [Fact]
    public async Task Files_that_cannot_be_taken_are_counted_by_reason()
    {
        _sample.Write("a.md", "text").Write("large.md", new string('x', 20_001)).Write("binary.md", "a\0b").Write("empty.md", "").Write("blank.md", "\n\n").Write("image.png", "x");
        File.CreateSymbolicLink(Path.Combine(_sample.Path, "link.md"), "a.md");
        var result = await IngestAsync();
        Assert.Equal([("binary", 1), ("symbolic_link", 1), ("too_large", 1)], result.Skipped.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value)));
        Assert.Equal((3, 3, 1), (result.FilesSkipped, result.FilesChanged, result.Chunks));
    }

    [Fact]
    public async Task A_project_given_later_reaches_every_chunk_and_its_vector()
    {
        await _host.Get<EmbeddingSpaceStore>().EnsureActiveAsync(new EmbeddingModel("builtin", "test", "digest", 3, "cosine", "none"), Ct);
        _sample.WriteCode("a.cs", 3);
        await IngestAsync();
        var before = await IdsAsync();
        await _db.ExecuteAsync("DELETE FROM embedding_queue");

        await IngestAsync(new IngestRepositoryRequest { Path = _sample.Path, ProjectId = "other" });
        Assert.Equal(before, await IdsAsync());
        Assert.Equal(3L, await _db.ScalarAsync<long>("SELECT count(*) FROM memories JOIN embedding_queue ON memory_id = id WHERE project_id = 'other'"));
    }

    [Fact]
    public async Task A_directory_that_is_gone_by_the_time_fails_the_operation_and_keeps_the_memories()
    {
        _sample.WriteCode("a.cs", 2);
        await IngestAsync();
        var handler = _host.Services.GetServices<IOperationHandler>().Single(h => h.Kind == OperationKinds.Repository);
        Directory.Move(_sample.Path, _sample.Path + "-moved");

        var error = await Assert.ThrowsAsync<OperationFailedException>(() => handler.RunAsync(Run(), Ct));
        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await IdsAsync()).Count);
    }

    private OperationRun Run() => new(new ClaimedOperation(
        Guid.CreateVersion7(), OperationKinds.Repository, "sample",
        JsonSerializer.SerializeToElement(new RepositoryInput(_sample.Path, "sample", "proj", null, null), WireJson.Lenient), Guid.NewGuid(), 1));

    private Task<Operation> StartAsync(IngestRepositoryRequest? request = null) =>
        _host.Repositories.IngestAsync(request ?? new IngestRepositoryRequest { Path = _sample.Path, ProjectId = "proj" }, Ct);

    private Task<Operation> EndAsync(Operation operation) => Eventually.Async(
        async () => (await _host.Get<OperationStore>().FindAsync(operation.Id, Ct))!, o => OperationStates.IsFinal(o.State), "The end of the operation");

    private async Task<RepositoryResult> IngestAsync(IngestRepositoryRequest? request = null)
    {
        var operation = await EndAsync(await StartAsync(request));
        Assert.True(operation.State == OperationStates.Completed, $"{operation}");
        Assert.Equal(operation.Progress.Total, operation.Progress.Done);
        return operation.Result!.Value.Deserialize<RepositoryResult>(WireJson.Strict)!;
    }

    private async Task<Dictionary<string, Guid>> IdsAsync() =>
        (await _db.RowsAsync("SELECT metadata->>'path' || ':' || (metadata->>'ordinal'), id FROM memories")).ToDictionary(r => (string)r[0]!, r => (Guid)r[1]!);

    private async Task<IReadOnlyList<int>> LastLinesAsync() =>
        [.. (await _db.RowsAsync("SELECT (metadata->'lines'->>'end')::int FROM memories ORDER BY metadata->'ordinal'")).Select(r => (int)r[0]!)];

    /// <summary>Every file's chunks are exactly the memories its row names, and no memory is without a file.</summary>
    private async Task AssertWholeAsync()
    {
        var named = await _db.RowsAsync("SELECT unnest(memory_ids) AS id FROM rag_files ORDER BY id");
        var stored = await _db.RowsAsync("SELECT id FROM memories ORDER BY id");
        Assert.Equal(stored.Select(r => r[0]), named.Select(r => r[0]));
        Assert.Equal(0L, await _db.ScalarAsync<long>("SELECT count(*) FROM rag_files WHERE chunks <> cardinality(memory_ids) OR octet_length(blob_hash) = 0"));
        Assert.Equal(0L, await _db.ScalarAsync<long>("SELECT count(*) FROM (SELECT FROM memories GROUP BY metadata->>'path', metadata->'ordinal' HAVING count(*) > 1) twice"));
    }
}
