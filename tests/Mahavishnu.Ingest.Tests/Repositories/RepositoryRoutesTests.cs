using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What the routes answer, to good requests and bad ones.</summary>
public sealed class RepositoryRoutesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private SampleRepository _sample = null!;
    private TestDatabase _db = null!;
    private TestHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // First, as it skips the test where there is no server.
        _db = await postgres.CreateDatabaseAsync();
        _sample = new SampleRepository().Write("a.md", "# A\n\nSome text.\n");
        _host = await IngestHost.StartAsync(_db, ("Ingest:Roots:0", _sample.Root));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _db.DisposeAsync();
        _sample.Dispose();
    }

    [Fact]
    public async Task A_request_is_accepted_with_the_address_of_its_operation()
    {
        using var answer = await PostAsync(new { path = _sample.Path });
        var operation = (await answer.Content.ReadFromJsonAsync<Operation>(WireJson.Strict, Ct))!;
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal($"/api/v1/operations/{operation.Id}", answer.Headers.Location!.OriginalString);
        Assert.Equal("repository", operation.Kind);
    }

    [Theory]
    [InlineData("""{}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":""}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":"sample"}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":"ROOT/missing"}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample/a.md"}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":"/etc"}""", 403, "path", "outside_roots")]
    [InlineData("""{"path":"ROOT/../etc"}""", 403, "path", "outside_roots")]
    [InlineData("""{"path":"ROOT/sample","repoId":" "}""", 400, "repoId", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","repoId":"a/b"}""", 400, "repoId", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","repoId":"a\u0000b"}""", 400, "repoId", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","repoId":".."}""", 400, "repoId", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","projectId":"a\nb"}""", 400, "projectId", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","include":["../*"]}""", 400, "include", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","exclude":["*.cs",null]}""", 400, "exclude", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","include":"*.cs"}""", 400, "include", "invalid_request")]
    [InlineData("""{"path":7}""", 400, "path", "invalid_request")]
    [InlineData("""{"path":"ROOT/sample","branch":"main"}""", 400, "branch", "unknown_property")]
    public async Task A_bad_request_is_refused_naming_its_field(string body, int status, string field, string code)
    {
        using var content = new StringContent(body.Replace("ROOT", _sample.Root, StringComparison.Ordinal), System.Text.Encoding.UTF8, "application/json");
        using var answer = await _host.Http.PostAsync("/api/v1/repositories", content, Ct);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal((status, code), ((int)answer.StatusCode, problem.GetProperty("code").GetString()));
        Assert.Equal(field, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
        Assert.Empty(await _host.Get<OperationStore>().ListAsync(null, null, null, 10, Ct));
    }

    [Fact]
    public async Task Asking_again_while_it_runs_answers_with_the_same_operation_and_other_settings_are_a_conflict()
    {
        var running = Guid.CreateVersion7();
        await _db.ExecuteAsync(
            "INSERT INTO operations (id, kind, subject, state, claim, claimed_until, input) VALUES ($1, 'repository', 'sample', 'running', $1, now() + interval '1 hour', $2::jsonb)",
            running, JsonSerializer.Serialize(new RepositoryInput(_sample.Path, "sample", null, null, null), WireJson.Lenient));

        Assert.Equal(running, (await _host.Repositories.IngestAsync(new IngestRepositoryRequest { Path = _sample.Path }, Ct)).Id);
        var conflict = await Assert.ThrowsAsync<ApiException>(() => _host.Repositories.IngestAsync(new IngestRepositoryRequest { Path = _sample.Path, Include = ["*.cs"] }, Ct));
        Assert.Equal((409, ErrorCodes.Conflict), (conflict.Status, conflict.Code));
    }

    [Fact]
    public async Task A_folder_of_the_same_name_elsewhere_does_not_replace_a_repository_unasked()
    {
        await IngestAsync(new IngestRepositoryRequest { Path = _sample.Path });
        var other = Directory.CreateDirectory(Path.Combine(_sample.Root, "other", "sample")).FullName;

        var conflict = await Assert.ThrowsAsync<ApiException>(() => _host.Repositories.IngestAsync(new IngestRepositoryRequest { Path = other }, Ct));
        Assert.Equal(409, conflict.Status);
        Assert.Contains("repoId", conflict.Errors.Keys);
        await IngestAsync(new IngestRepositoryRequest { Path = other, RepoId = "sample" });
        Assert.Equal(other, (await _host.Repositories.GetAsync("sample", Ct)).Path);
    }

    [Fact]
    public async Task Repositories_are_listed_with_what_is_there_and_removed_with_all_of_it()
    {
        await IngestAsync(new IngestRepositoryRequest { Path = _sample.Path });
        await IngestAsync(new IngestRepositoryRequest { Path = _sample.Path, RepoId = "it's 100% \"twin\" {0}; DROP TABLE memories --" });

        var all = (await _host.Repositories.ListAsync(Ct)).Items;
        Assert.Equal(["it's 100% \"twin\" {0}; DROP TABLE memories --", "sample"], all.Select(r => r.RepoId));
        Assert.All(all, r => Assert.Equal((_sample.Path, 1, 1, "completed"), (r.Path, r.Files, r.Chunks, r.Status)));

        await _host.Repositories.DeleteAsync(all[0].RepoId, Ct);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Repositories.GetAsync(all[0].RepoId, Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Repositories.DeleteAsync(all[0].RepoId, Ct))).Status);
        Assert.Equal(["sample"], (await _db.RowsAsync("SELECT repo_id FROM memories UNION SELECT repo_id FROM rag_files")).Select(r => r[0]));

        await IngestAsync(new IngestRepositoryRequest { Path = _sample.Path, RepoId = all[0].RepoId });
        Assert.Equal(1, (await _host.Repositories.GetAsync(all[0].RepoId, Ct)).Chunks);
    }

    [Fact]
    public async Task A_repository_is_not_removed_while_it_is_being_ingested()
    {
        var id = Guid.CreateVersion7();
        await _db.ExecuteAsync("INSERT INTO rag_ingestions (id, repo_id, repo_path, status) VALUES ($1, 'busy', '/busy', 'running')", id);
        Assert.Equal(409, (await Assert.ThrowsAsync<ApiException>(() => _host.Repositories.DeleteAsync("busy", Ct))).Status);
    }

    [Fact]
    public async Task A_root_that_is_no_absolute_path_stops_the_start_and_is_named()
    {
        var error = await Assert.ThrowsAnyAsync<OptionsValidationException>(async () =>
        {
            await using var host = await IngestHost.StartAsync(_db, ("Ingest:Roots:0", "code"));
        });
        Assert.Contains("Ingest:Roots:0", error.Message, StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> PostAsync(object body) => _host.Http.PostAsJsonAsync("/api/v1/repositories", body, Ct);

    private async Task IngestAsync(IngestRepositoryRequest request)
    {
        var operation = await _host.Repositories.IngestAsync(request, Ct);
        operation = await Eventually.Async(async () => (await _host.Get<OperationStore>().FindAsync(operation.Id, Ct))!, o => OperationStates.IsFinal(o.State), "The end of the operation");
        Assert.True(operation.State == OperationStates.Completed, $"{operation}");
    }
}
