using System.Net;
using System.Net.Http.Json;
using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using Mahavishnu.OllamaStandIn;
using OllamaSharp;
using OllamaSharp.Models;
using OllamaSharp.Models.Exceptions;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>The stand-in says what the real one says, as the client reads it.</summary>
public sealed class OllamaServerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_there_with_its_version_and_its_models()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url);

        Assert.True(await client.IsRunningAsync(Ct));
        Assert.NotEmpty(await client.GetVersionAsync(Ct));
        var models = (await client.ListLocalModelsAsync(Ct)).ToList();

        Assert.Equal(["nomic-embed-text:latest", "all-minilm:latest", "mxbai-embed-large:latest"], models.Select(m => m.Name));
        Assert.Equal(3, models.Select(m => m.Digest).Distinct().Count());
        Assert.All(models, m => Assert.Matches("^[0-9a-f]{64}$", m.Digest));
    }

    [Fact]
    public async Task It_shows_what_a_model_is()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url);

        var shown = await client.ShowModelAsync(new ShowModelRequest { Model = "nomic-embed-text", Verbose = true }, Ct);

        Assert.Equal("nomic-bert", shown.Info.Architecture);
        Assert.Equal("768", shown.Info.ExtraInfo!["nomic-bert.embedding_length"].ToString());
        Assert.Equal("2048", shown.Info.ExtraInfo["nomic-bert.context_length"].ToString());
        Assert.Equal("bert", shown.Info.ExtraInfo["tokenizer.ggml.model"].ToString());
        Assert.Contains("embedding", shown.Capabilities!);
        var missing = await Assert.ThrowsAsync<HttpRequestException>(() => client.ShowModelAsync("nothing", Ct));
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task Texts_that_share_words_are_near_and_the_prefix_hardly_matters()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url, "all-minilm");

        var answer = await client.EmbedAsync(
            new EmbedRequest { Input = ["search_document: the queue keeps its rows", "search_query: queue rows", "an unrelated sentence about horses"] }, Ct);
        var again = await client.EmbedAsync("search_query: queue rows", Ct);

        var vectors = answer.Embeddings;
        Assert.All(vectors, v => Assert.Equal(384, v.Length));
        Assert.All(vectors, v => Assert.Equal(1, TensorPrimitives.Norm<float>(v), 1e-5f));
        Assert.True(TensorPrimitives.Dot<float>(vectors[0], vectors[1]) > 0.5f);
        Assert.True(TensorPrimitives.Dot<float>(vectors[0], vectors[2]) < 0.2f);
        Assert.Equal(vectors[1], again.Embeddings[0]);
        Assert.Equal(["search_document: the queue keeps its rows", "search_query: queue rows", "an unrelated sentence about horses", "search_query: queue rows"], server.Record.Texts);
    }

    [Fact]
    public async Task A_pull_is_told_in_lines_and_brings_the_model()
    {
        await using var server = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        using var client = new OllamaApiClient(server.Url);

        var lines = await client.PullModelAsync("nomic-embed-text", Ct).ToListAsync(Ct);

        Assert.Equal("pulling manifest", lines[0]!.Status);
        Assert.Equal([0, 250_000, 500_000, 1_000_000], lines.Where(l => l!.Total > 0).Select(l => l!.Completed));
        Assert.Equal("success", lines[^1]!.Status);
        Assert.Contains(await client.ListLocalModelsAsync(Ct), m => m.Name == "nomic-embed-text:latest");
        var refused = await Assert.ThrowsAsync<ResponseError>(async () => await client.PullModelAsync("no-such-model", Ct).ToListAsync(Ct));
        Assert.Equal("pull model manifest: file does not exist", refused.Message);
    }

    [Fact]
    public async Task A_text_beyond_the_context_is_refused_unless_it_may_be_cut()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url, "all-minilm");
        var text = string.Join(' ', Enumerable.Repeat("the", 511));

        var refused = await Assert.ThrowsAsync<OllamaException>(() => client.EmbedAsync(new EmbedRequest { Input = [text], Truncate = false }, Ct));

        Assert.Equal("the input length exceeds the context length", refused.Message);
        Assert.Single((await client.EmbedAsync(new EmbedRequest { Input = [text] }, Ct)).Embeddings);
        Assert.Single((await client.EmbedAsync(new EmbedRequest { Input = [text[4..]], Truncate = false }, Ct)).Embeddings);
    }

    [Theory]
    [InlineData("""{"model":"nothing","input":"a"}""", 404, "model \"nothing\" not found, try pulling it first")]
    [InlineData("""{"model":"all-minilm","input":[1]}""", 400, "invalid input type")]
    [InlineData("", 400, "missing request body")]
    public async Task What_it_refuses_it_refuses_in_the_real_words(string body, int status, string error)
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var http = new HttpClient();

        using var answer = await http.PostAsync($"{server.Url}/api/embed", new StringContent(body), Ct);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(error, (string?)(await answer.Content.ReadFromJsonAsync<JsonObject>(Ct))!["error"]);
    }

    [Fact]
    public async Task Calls_wait_their_turn_and_one_too_many_is_sent_away()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var http = new HttpClient();
        server.Behaviour.Parallel = 2;
        server.Behaviour.MaxQueue = 1;
        server.Behaviour.Hold();

        var first = Enumerable.Range(0, 3).Select(_ => http.PostAsJsonAsync($"{server.Url}/api/embed", new { model = "all-minilm", input = "a" }, Ct)).ToList();
        await Eventually.Async(() => Task.FromResult(server.Record.Now == 3));
        using var refused = await http.PostAsJsonAsync($"{server.Url}/api/embed", new { model = "all-minilm", input = "a" }, Ct);
        server.Behaviour.Release();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.All(await Task.WhenAll(first), a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        Assert.Equal(4, server.Record.Most);
    }

    [Fact]
    public async Task It_comes_back_at_its_address_after_it_was_killed()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var http = new HttpClient();
        var url = server.Url;
        server.Behaviour.Answer(StandInAnswer.Silence);
        var silent = http.PostAsJsonAsync($"{url}/api/embed", new { model = "all-minilm", input = "a" }, Ct);
        await Eventually.Async(() => Task.FromResult(server.Record.Now == 1));

        await server.StopAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => silent);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(url, Ct));
        await server.StartAsync();
        Assert.Equal("Ollama is running", await http.GetStringAsync(url, Ct));
        Assert.Equal(url, server.Url);
    }

    [Fact]
    public async Task A_poisoned_text_fails_its_whole_call_and_every_nth_call_fails()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url, "all-minilm");
        server.Behaviour.Poison("deadly");

        var poisoned = await Assert.ThrowsAsync<HttpRequestException>(() => client.EmbedAsync(new EmbedRequest { Input = ["good", "a deadly one"] }, Ct));
        Assert.Equal(HttpStatusCode.InternalServerError, poisoned.StatusCode);
        Assert.Single((await client.EmbedAsync("good", Ct)).Embeddings);
        server.Behaviour.FailEvery = 3;
        await Assert.ThrowsAsync<HttpRequestException>(() => client.EmbedAsync("good", Ct));
        Assert.Single((await client.EmbedAsync("good", Ct)).Embeddings);
    }

    [Fact]
    public async Task A_model_pulled_again_has_another_digest_and_other_vectors()
    {
        await using var server = await OllamaServer.StartNewAsync();
        using var client = new OllamaApiClient(server.Url, "all-minilm");
        var before = (await client.EmbedAsync("queue", Ct)).Embeddings[0];
        var digest = (await client.ListLocalModelsAsync(Ct)).Single(m => m.Name == "all-minilm:latest").Digest;

        server.Add(StandInModel.AllMiniLm.Version(2));

        Assert.NotEqual(digest, (await client.ListLocalModelsAsync(Ct)).Single(m => m.Name == "all-minilm:latest").Digest);
        var after = (await client.EmbedAsync("queue", Ct)).Embeddings[0];
        Assert.True(TensorPrimitives.Dot<float>(before, after) < 0.5f);
    }
}
