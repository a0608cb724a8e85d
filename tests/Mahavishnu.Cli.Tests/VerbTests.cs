using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary>The verbs against real services: one that runs and is named, and none, so that they start their own.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class VerbTests(PostgresFixture postgres) : IAsyncDisposable
{
    private readonly string _repository = Directory.CreateTempSubdirectory("mahavishnu-verbs-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_repository, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_is_ingested_without_a_service_is_found_without_one()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        await WriteAsync("docs/kettle.md", "# Kettle\n\nDescale the kettle with vinegar twice a year.\n");
        await WriteAsync("src/toaster.py", "def brown(bread, seconds):\n    return bread.heat(seconds)\n");

        var ingest = await Cli.RunAsync("ingest", _repository, "--repo", "kitchen", "--json");
        var search = await Cli.RunAsync("search", "descale", "the", "kettle", "--repo", "kitchen");
        var filtered = await Cli.RunAsync("search", "descale the kettle", "--type", "insight", "--json");

        Assert.Equal(ExitCode.Done, ingest.Code);
        var operation = Assert.Single(JsonSerializer.Deserialize<Operation[]>(ingest.Out, WireJson.Lenient)!);
        Assert.Equal(OperationStates.Completed, operation.State);
        Assert.Equal(2, operation.Result!.Value.GetProperty("filesChanged").GetInt32());
        Assert.Contains("kitchen: docs/kettle.md:1-3", search.Out.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("no service runs; using the given database", search.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("embedding_unavailable", search.Error, StringComparison.Ordinal);
        Assert.Empty(JsonSerializer.Deserialize<SearchResponse>(filtered.Out, WireJson.Lenient)!.Hits);
    }

    [Fact]
    public async Task A_second_run_touches_only_what_changed()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        await WriteAsync("a.md", "# Alpha\n");
        await WriteAsync("b.md", "# Beta\n");
        await Cli.RunAsync("ingest", _repository);
        await WriteAsync("b.md", "# Beta, changed\n");

        var second = await Cli.RunAsync("ingest", _repository, "--json");

        var result = JsonSerializer.Deserialize<Operation[]>(second.Out, WireJson.Lenient)![0].Result!.Value;
        Assert.Equal((1, 1), (result.GetProperty("filesChanged").GetInt32(), result.GetProperty("filesUnchanged").GetInt32()));
    }

    [Fact]
    public async Task A_named_service_is_the_one_that_is_asked()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        await using var service = await StartAsync(database);
        using var http = ServiceConnection.CreateClient(service.Address);
        await new MemoriesClient(http).AddAsync(new NewMemory { Type = MemoryTypes.Insight, Title = "Ladders", Content = "Lean the ladder at seventy-five degrees." }, Ct);
        var url = service.Url.ToString();

        var search = await Cli.RunAsync("search", "--url", url, "ladder", "--explain");
        var status = await Cli.RunAsync("status", "--url", url);
        var json = await Cli.RunAsync("status", "--url", url, "--json");

        Assert.StartsWith(" 1. Ladders  insight", search.Out, StringComparison.Ordinal);
        Assert.Contains("Lean the ladder at seventy-five degrees.", search.Out, StringComparison.Ordinal);
        Assert.Contains("text #1", search.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("no service runs", search.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, status.Code);
        Assert.Contains("postgresql", status.Out, StringComparison.Ordinal);
        Assert.Equal("healthy", JsonDocument.Parse(json.Out).RootElement.GetProperty("health").GetProperty("components")[0].GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_service_with_a_key_wants_it()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database, ("Auth__ApiKey", "s3cret"));
        await using var service = await StartAsync(database);
        var url = service.Url.ToString();

        var right = await Cli.RunAsync("search", "--url", url, "--api-key", "s3cret", "anything");
        var wrong = await Cli.RunAsync("search", "--url", url, "--api-key", "guess", "anything");
        var status = await Cli.RunAsync("status", "--url", url, "--api-key", "guess");

        Assert.Equal((ExitCode.Done, ExitCode.Failed, ExitCode.Failed), (right.Code, wrong.Code, status.Code));
        Assert.Contains("key", status.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("s3cret", wrong.Error + status.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such-directory", "does not exist")]
    [InlineData("file.txt", "is a file")]
    public async Task A_path_that_is_no_directory_is_named(string path, string said)
    {
        using var variables = new Variables();
        await WriteAsync("file.txt", "words");

        var run = await Cli.RunAsync("ingest", Path.Combine(_repository, path));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains(path, run.Error, StringComparison.Ordinal);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_local_path_is_not_handed_to_another_machine()
    {
        var elsewhere = new ServiceAddress(new Uri("http://memory.example/"), ApiKey: null);

        var relative = Assert.Throws<CliException>(() => IngestCommand.Resolve("here", elsewhere));
        var local = Assert.Throws<CliException>(() => IngestCommand.Resolve(_repository, elsewhere));

        Assert.Equal((ExitCode.WrongUsage, ExitCode.WrongUsage), (relative.Code, local.Code));
        Assert.Contains("memory.example", local.Message, StringComparison.Ordinal);
        Assert.Equal("/nowhere/on/this/machine", IngestCommand.Resolve("/nowhere/on/this/machine", elsewhere));
    }

    [Fact]
    public async Task Up_says_where_it_serves_and_ends_when_told_to()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var output = new AnnouncedWriter("health/ready");
        await using var error = new StringWriter();

        var up = CommandLine.RunAsync(["up", "--port", "0", "--json"], new Terminal(output, error), ending.Token);
        await Task.WhenAny(up, output.Announced);
        var announced = JsonDocument.Parse(output.ToString()).RootElement;
        using var http = new HttpClient();
        using var ready = await http.GetAsync(new Uri(announced.GetProperty("urls").GetProperty("health").GetString()!), Ct);
        await ending.CancelAsync();

        Assert.True(ready.IsSuccessStatusCode);
        Assert.Equal(ExitCode.Done, await up);
        Assert.EndsWith("Password=***", announced.GetProperty("database").GetString(), StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri(announced.GetProperty("urls").GetProperty("health").GetString()!), Ct));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        await using var service = await StartAsync(database);

        var run = await Cli.RunAsync("up", "--port", service.Url.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains($":{service.Url.Port}", run.Error, StringComparison.Ordinal);
        Assert.Contains("--port", run.Error, StringComparison.Ordinal);
    }

    private static Variables Given(TestDatabase database, params (string Name, string? Value)[] more) =>
        new([("ConnectionStrings__mahavishnu", database.ConnectionString), ("Database__MinPoolSize", "0"), ("Database__MaxPoolSize", "10"), .. more]);

    private static async Task<AllInOne> StartAsync(TestDatabase database)
    {
        var service = await AllInOne.StartAsync(Settings.Load("http://127.0.0.1:0"), new DatabaseChoice(database.ConnectionString, Given: true), roots: [], Ct);
        await service.WarmAsync(Ct);
        return service;
    }

    private async Task WriteAsync(string path, string text)
    {
        var file = Path.Combine(_repository, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, text, Ct);
    }

    /// <summary>Tells when a word has been written.</summary>
    private sealed class AnnouncedWriter(string word) : StringWriter
    {
        private readonly TaskCompletionSource _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Announced => _announced.Task;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(word, StringComparison.Ordinal) == true)
            {
                _announced.TrySetResult();
            }
        }
    }
}
