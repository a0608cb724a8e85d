using System.Net.Http.Json;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    private const string RetryCode = """
        namespace Sample;

        /// <summary>How long to wait before a call is tried again.</summary>
        public sealed class RetryPolicy
        {
            public TimeSpan ExponentialBackoff(int attempt)
            {
                // Doubles with each attempt, up to half a minute.
                return TimeSpan.FromSeconds(Math.Min(30, Math.Pow(2, attempt)));
            }
        }
        """;

    [Fact]
    public async Task A_repository_is_ingested_and_its_chunks_are_found_with_path_and_lines()
    {
        var (path, repo) = WriteRepository();

        var result = await IngestAsync(path);

        // src/Retry.cs, tools/parse.py, web/app.ts, docs/guide.md, config.yaml, schema.sql; .gitignore hides two, two are no text for us.
        Assert.Equal((6, 0, 0), (result.FilesChanged, result.FilesUnchanged, result.FilesRemoved));
        Assert.Equal([new("binary", 1), new("too_large", 1)], result.Skipped.Order(Comparer<KeyValuePair<string, int>>.Create((a, b) => string.CompareOrdinal(a.Key, b.Key))));
        var chunks = (await Memories.ListAsync([new("repoId", repo), new("limit", "100")], Ct)).Items;
        Assert.Equal(result.Chunks, chunks.Count);
        Assert.Equal(
            ["config.yaml", "docs/guide.md", "schema.sql", "src/Retry.cs", "tools/parse.py", "web/app.ts"],
            chunks.Select(c => c.Metadata.GetProperty("path").GetString()).Distinct().Order(StringComparer.Ordinal));
        Assert.All(chunks, c => Assert.Equal((MemoryTypes.Rag, "repository"), (c.Type, c.Source)));
        Assert.Equal(["csharp", "markdown", "python", "sql", "typescript", "yaml"], chunks.Select(c => c.Metadata.GetProperty("language").GetString()).Distinct().Order(StringComparer.Ordinal));

        var known = await System.Repositories.GetAsync(repo, Ct);
        Assert.Equal((path, 6, chunks.Count, "completed"), (known.Path, known.Files, known.Chunks, known.Status));
        Assert.Contains(repo, (await System.Repositories.ListAsync(Ct)).Items.Select(r => r.RepoId));

        // The exact lines, as an editor would open them. A word of the name finds the name too.
        var byWords = await System.Search.SearchAsync(new SearchRequest { Query = "exponential backoff", Mode = SearchModes.Text, RepoId = repo }, Ct);
        await AssertLinesAsync(path, "src/Retry.cs", "ExponentialBackoff", byWords.Hits[0]);

        await EmbeddedAsync([.. chunks.Select(c => c.Id)]);
        var byMeaning = await System.Search.SearchAsync(new SearchRequest { Query = "waiting before trying a call again", Mode = SearchModes.Vector, RepoId = repo, Limit = 3 }, Ct);
        await AssertLinesAsync(path, "src/Retry.cs", "ExponentialBackoff", byMeaning.Hits.First(h => h.Path == "src/Retry.cs"));
        var inTheGuide = await System.Search.SearchAsync(new SearchRequest { Query = "how are the penguins counted each winter", RepoId = repo }, Ct);
        await AssertLinesAsync(path, "docs/guide.md", "penguins", inTheGuide.Hits[0]);
        var hidden = await System.Search.SearchAsync(new SearchRequest { Query = "quetzalcoatlus", Mode = SearchModes.Text, RepoId = repo }, Ct);
        Assert.Empty(hidden.Hits);
    }

    [Fact]
    public async Task What_a_question_calls_by_its_name_comes_first_and_each_file_once()
    {
        var repo = Unique("names");
        void Write(string file, string content) => running.Roots.Write($"{repo}/{file}", content);
        Write("src/Billing/InvoiceArchive.cs", """
            namespace Sample.Billing;

            public sealed class InvoiceArchive
            {
                public Invoice FindByNumber(string number) =>
                    _invoices.GetValueOrDefault(number) ?? throw new InvalidOperationException($"The archive has no invoice {number}; was it archived before the cut-over, or is its month not sealed yet?");

                public void Seal(DateOnly month)
                {
                    _sealed.Add(month);
                }
            }
            """);
        // Says the names more often than who bears them.
        Write("src/Billing/Reports.cs", $"namespace Sample.Billing;\n\npublic sealed class Reports\n{{\n{string.Concat(Enumerable.Range(0, 12).Select(i => $"    public Invoice Report{i}(InvoiceArchive archive) => archive.FindByNumber(\"{i}\") ?? InvoiceArchive.Empty;\n"))}}}\n");
        Write("tests/InvoiceArchiveTests.cs", "public sealed class InvoiceArchiveTests\n{\n    [Fact]\n    public void Is_found_by_its_number()\n    {\n        var archive = new InvoiceArchive();\n        Assert.Throws<InvalidOperationException>(() => archive.FindByNumber(\"7\"));\n    }\n}\n");
        Write("docs/archive.md", "# The archive\n\nInvoices are archived. `src/Billing/InvoiceArchive.cs` has the invoice archive: find by number, seal a month.\nThe archive has invoices from before the cut-over, and the archive has invoices from after it.\n\n## Errors\n\nNo invoice? Ask the archive.\n");
        var result = await IngestAsync(Path.Combine(running.Roots.Path, repo));
        await EmbeddedAsync([.. (await Memories.ListAsync([new("repoId", repo), new("limit", "100")], Ct)).Items.Select(m => m.Id)]);
        Assert.Equal(4, result.FilesChanged);

        foreach (var question in new[]
        {
            "FindByNumber", "InvoiceArchive.FindByNumber", "where is InvoiceArchive defined?", "find_by_number of the invoice archive",
            "src/Billing/InvoiceArchive.cs", "InvoiceArchive.cs", "Billing/InvoiceArchive.cs line 6",
            "System.InvalidOperationException: The archive has no invoice 2031-7; was it archived before the cut-over, or is its month not sealed yet?",
            "\"was it archived before the cut-over\"",
        })
        {
            foreach (var mode in new[] { SearchModes.Hybrid, SearchModes.Text })
            {
                var found = await System.Search.SearchAsync(new SearchRequest { Query = question, Mode = mode, RepoId = repo, GroupBy = "file" }, Ct);

                Assert.True(found.Hits.Count > 0 && found.Hits[0].Path == "src/Billing/InvoiceArchive.cs", $"{mode} “{question}”: {string.Join(", ", found.Hits.Select(h => h.Path))}");
                Assert.Equal(found.Hits.Count, found.Hits.Select(h => h.Path).Distinct(StringComparer.Ordinal).Count());
            }
        }
    }

    [Fact]
    public async Task A_second_run_does_nothing_and_a_third_only_what_changed()
    {
        var (path, repo) = WriteRepository();
        var first = await IngestAsync(path);
        var before = await ChunksByIdAsync(repo);

        var second = await IngestAsync(path);
        Assert.Equal((0, 6, 0, 0, 0), (second.FilesChanged, second.FilesUnchanged, second.FilesRemoved, second.ChunksCreated, second.ChunksRemoved));
        Assert.Equal(first.Chunks, second.Chunks);
        Assert.Equal(before, await ChunksByIdAsync(repo));

        running.Roots.Write($"{repo}/src/Retry.cs", RetryCode.Replace("ExponentialBackoff", "FibonacciPause", StringComparison.Ordinal));
        running.Roots.Delete($"{repo}/web/app.ts");
        var third = await IngestAsync(path);
        var after = await ChunksByIdAsync(repo);

        Assert.Equal((1, 4, 1), (third.FilesChanged, third.FilesUnchanged, third.FilesRemoved));
        Assert.Equal(before.Where(c => c.Value.Path is not ("src/Retry.cs" or "web/app.ts")), after.Where(c => c.Value.Path != "src/Retry.cs"));
        Assert.DoesNotContain("web/app.ts", after.Values.Select(c => c.Path));
        Assert.Empty((await System.Search.SearchAsync(new SearchRequest { Query = "ExponentialBackoff", Mode = SearchModes.Text, RepoId = repo }, Ct)).Hits);
        var found = await System.Search.SearchAsync(new SearchRequest { Query = "FibonacciPause", Mode = SearchModes.Text, RepoId = repo }, Ct);
        await AssertLinesAsync(path, "src/Retry.cs", "FibonacciPause", Assert.Single(found.Hits));
    }

    [Fact]
    public async Task An_operation_tells_its_progress_as_events_until_it_is_completed()
    {
        var (path, _) = WriteRepository();
        var accepted = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/repositories", JsonContent.Create(new { path }));
        Assert.Equal(202, accepted.Status);
        var address = accepted.Headers.Location!.OriginalString;

        // event: progress\ndata: {…}\n\n … event: completed\ndata: {…}\n\n
        var stream = await System.Http.AskAsync(HttpMethod.Get, $"{address}/events");

        Assert.Equal("text/event-stream", stream.ContentHeaders.ContentType!.MediaType);
        var events = stream.Text.Split('\n').Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).Select(l => l[7..].Trim()).ToList();
        Assert.All(events[..^1], e => Assert.Equal("progress", e));
        Assert.Equal("completed", events[^1]);
        var last = stream.Text.Split('\n').Last(l => l.StartsWith("data: ", StringComparison.Ordinal))[6..];
        var operation = (await System.Http.AskAsync(HttpMethod.Get, address)).Body;
        Assert.Equal((operation.GetProperty("id").GetString(), "completed"), (JsonElement.Parse(last).GetProperty("id").GetString(), JsonElement.Parse(last).GetProperty("state").GetString()));
        // What is in the memory, and the file that only a look inside shows to be binary.
        var progress = operation.GetProperty("progress");
        Assert.Equal((7, 7, "files"), (progress.GetProperty("done").GetInt32(), progress.GetProperty("total").GetInt32(), progress.GetProperty("unit").GetString()));
        Assert.Contains(operation.GetProperty("id").GetGuid(), (await System.Operations.ListAsync("repository", "completed", Ct)).Items.Select(o => o.Id));
    }

    [Fact]
    public async Task A_repository_that_is_removed_takes_its_chunks_along()
    {
        var (path, repo) = WriteRepository();
        await IngestAsync(path);

        await System.Repositories.DeleteAsync(repo, Ct);

        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => System.Repositories.GetAsync(repo, Ct))).Status);
        Assert.Empty((await Memories.ListAsync([new("repoId", repo), new("includeDeleted", "true")], Ct)).Items);
        Assert.Empty((await System.Search.SearchAsync(new SearchRequest { Query = "exponential backoff", RepoId = repo }, Ct)).Hits);
    }

    /// <returns>The folder, and its name, which becomes the repository's.</returns>
    private (string Path, string Repo) WriteRepository()
    {
        var repo = Unique("repo");
        void Write(string file, string content) => running.Roots.Write($"{repo}/{file}", content);
        Write("src/Retry.cs", RetryCode);
        Write("tools/parse.py", "import json\n\n\ndef parse_manifest(path):\n    \"\"\"Reads the manifest of a release.\"\"\"\n    with open(path) as f:\n        return json.load(f)\n");
        Write("web/app.ts", "export function renderChart(values: number[]): string {\n  return values.map(v => `<rect height=\"${v}\"/>`).join('');\n}\n");
        Write("docs/guide.md", $"# Guide\n\n## Install\n\nRun the installer once.\n\n## Counting\n\nEvery winter the penguins are counted by drone,\nand the counts are compared with last year's.\n");
        Write("config.yaml", "pool:\n  size: 20\n  overflow: 30\n");
        Write("schema.sql", "CREATE TABLE colonies (name text PRIMARY KEY, nests integer NOT NULL);\n");
        Write(".gitignore", "build/\n*.generated.cs\n");
        Write("build/Out.cs", "// quetzalcoatlus\n");
        Write("src/Model.generated.cs", "// quetzalcoatlus\n");
        Write("notes.txt", "text until here\0\0\u0001quetzalcoatlus");
        Write("huge.json", $"[\"quetzalcoatlus\",{string.Join(',', Enumerable.Range(0, 200_000))}]");
        return (Path.Combine(running.Roots.Path, repo), repo);
    }

    /// <summary>Ingests and follows it to its end.</summary>
    private async Task<RepositoryResult> IngestAsync(string path)
    {
        var operation = await System.Repositories.IngestAsync(new IngestRepositoryRequest { Path = path }, Ct);
        await foreach (var now in System.Operations.WatchAsync(operation.Id, Ct))
        {
            operation = now;
        }

        Assert.True(operation.State == OperationStates.Completed, $"{operation}\n{System.Output}");
        return operation.Result!.Value.Deserialize<RepositoryResult>(WireJson.Lenient)!;
    }

    private async Task<SortedDictionary<Guid, (string Path, int Version, DateTimeOffset UpdatedAt)>> ChunksByIdAsync(string repo) =>
        new((await Memories.ListAsync([new("repoId", repo), new("limit", "100")], Ct)).Items
            .ToDictionary(m => m.Id, m => (m.Metadata.GetProperty("path").GetString()!, m.Version, m.UpdatedAt)));

    /// <summary>The hit is of that file, and the lines it names hold what it shows.</summary>
    private static async Task AssertLinesAsync(string root, string file, string word, SearchHit hit)
    {
        Assert.Equal(file, hit.Path);
        var lines = await File.ReadAllLinesAsync(Path.Combine(root, file), Ct);
        Assert.InRange(hit.Lines!.Start, 1, hit.Lines.End);
        Assert.InRange(hit.Lines.End, hit.Lines.Start, lines.Length);
        var shown = string.Join('\n', lines[(hit.Lines.Start - 1)..hit.Lines.End]);
        Assert.Contains(word, shown, StringComparison.Ordinal);
        Assert.Equal(shown.Trim(), hit.Content.Trim());
    }
}
