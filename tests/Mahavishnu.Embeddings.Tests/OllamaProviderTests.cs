using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>A model of Ollama from its description to its vectors, over the wire.</summary>
public sealed class OllamaProviderTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Digest_and_dimensions_are_what_the_server_says()
    {
        await using var world = await OllamaWorld.StartAsync();

        var model = await world.DescribeAsync("Nomic-Embed-Text:latest");

        Assert.Equal(new EmbeddingModel("ollama", "nomic-embed-text", StandInModel.NomicEmbedText.Digest, 768, "cosine", "nomic"), model);
        Assert.Equal(model, await world.DescribeAsync("nomic-embed-text"));
    }

    [Fact]
    public async Task Dimensions_are_asked_of_a_vector_where_the_server_does_not_show_them()
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Add(new StandInModel("quiet", 48) { ShownDimensions = null });

        Assert.Equal(48, (await world.DescribeAsync("quiet")).Dimensions);
    }

    [Fact]
    public async Task A_model_whose_vectors_are_not_what_it_shows_is_refused()
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Add(new StandInModel("odd", 48) { ShownDimensions = 64 });

        var refused = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("odd"));

        Assert.Equal(EmbeddingReasons.WrongDimensions, refused.Reason);
        Assert.Contains("64", refused.Message, StringComparison.Ordinal);
        Assert.Contains("48", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_only_talks_is_refused()
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Add(StandInModel.Chatting);

        var refused = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("llama3.2"));

        Assert.Equal(EmbeddingReasons.ModelMissing, refused.Reason);
        Assert.Contains("llama3.2 is not an embedding model", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_not_there_comes_with_the_command_that_brings_it()
    {
        await using var world = await OllamaWorld.StartAsync();

        var missing = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("bge-large"));

        Assert.Equal(EmbeddingReasons.ModelMissing, missing.Reason);
        Assert.Equal("ollama pull bge-large", missing.Hint);
        Assert.Contains($"OLLAMA_BASE_URL {world.Server.Url} does not have the model bge-large", missing.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nomic-embed-text", "search_document: ", "search_query: ")]
    [InlineData("mxbai-embed-large", "", "Represent this sentence for searching relevant passages: ")]
    [InlineData("all-minilm", "", "")]
    [InlineData("somebody/bge-large:335m", "", "Represent this sentence for searching relevant passages: ")]
    [InlineData("bge-m3", "", "")]
    [InlineData("multilingual-e5-large", "passage: ", "query: ")]
    [InlineData("embeddinggemma:300m", "title: none | text: ", "task: search result | query: ")]
    [InlineData("snowflake-arctic-embed2", "", "query: ")]
    [InlineData("snowflake-arctic-embed:33m", "", "Represent this sentence for searching relevant passages: ")]
    [InlineData("nobody-knows", "", "")]
    public async Task Documents_and_questions_go_out_with_the_words_their_model_wants(string model, string document, string question)
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Add(new StandInModel(model, 32));
        var client = await world.OpenAsync(model);

        await client.Documents.GenerateAsync(["the queue", "its rows"], cancellationToken: Ct);
        await client.Questions.GenerateAsync(["which queue"], cancellationToken: Ct);

        Assert.Equal([$"{document}the queue", $"{document}its rows", $"{question}which queue"], world.Server.Record.Texts);
        Assert.All(world.Server.Record.Calls, c => Assert.Equal(false, c.Truncate));
    }

    [Fact]
    public async Task A_profile_can_be_set_for_any_model()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync("all-minilm", "e5");

        await client.Documents.GenerateAsync(["the queue"], cancellationToken: Ct);

        Assert.Equal(["passage: the queue"], world.Server.Record.Texts);
        Assert.Equal("e5", client.Model.PrefixProfile);
        var unknown = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("all-minilm", "e6"));
        Assert.Contains("e6", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Vectors_are_those_of_the_server_in_the_order_of_the_texts()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync();

        var vectors = await client.Documents.GenerateAsync(["alpha", "beta", "alpha"], cancellationToken: Ct);

        Assert.Equal(3, vectors.Count);
        Assert.Equal(StandInVectors.Of(StandInModel.AllMiniLm, "beta"), vectors[1].Vector.ToArray());
        Assert.Equal(vectors[0].Vector.ToArray(), vectors[2].Vector.ToArray());
        Assert.Single(world.Server.Record.Calls);
    }

    [Fact]
    public async Task A_call_with_very_much_text_is_several()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:CharactersPerCall", "1000"));
        var client = await world.OpenAsync();
        var texts = Enumerable.Range(0, 10).Select(i => $"{(char)('a' + i)} {new string(' ', 390)}").ToList();

        var vectors = await client.Documents.GenerateAsync(texts, cancellationToken: Ct);

        Assert.Equal(5, world.Server.Record.Calls.Count);
        Assert.Equal(texts, world.Server.Record.Texts);
        Assert.Equal(texts.Select(t => StandInVectors.Of(StandInModel.AllMiniLm, t)), vectors.Select(v => v.Vector.ToArray()));
    }

    [Fact]
    public async Task A_model_replaced_under_its_name_is_neither_opened_nor_verified_nor_kept()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync(OllamaWorld.Nomic);
        await client.VerifyAsync(Ct);

        world.Server.Add(StandInModel.NomicEmbedText.Version(2));

        var opened = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.Models.OpenAsync(client.Model with { Distance = "l2" }, Ct));
        var verified = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.VerifyAsync(Ct));
        var asked = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Questions.GenerateAsync(["what"], cancellationToken: Ct));
        Assert.All([opened, verified, asked], e => Assert.Equal(EmbeddingReasons.ModelChanged, e.Reason));
        Assert.Equal("mahavishnu embeddings add nomic-embed-text", verified.Hint);

        // The old one comes back: what the other one computed meanwhile was not kept.
        world.Server.Add(StandInModel.NomicEmbedText);
        var vector = (await client.Questions.GenerateAsync(["what"], cancellationToken: Ct))[0].Vector;
        Assert.Equal(1f, TensorPrimitives.CosineSimilarity(vector.Span, StandInVectors.Of(StandInModel.NomicEmbedText, "search_query: what")), 1e-5f);
    }

    [Fact]
    public async Task A_text_just_within_the_limit_goes_in_whole_and_one_beyond_is_refused_as_too_long()
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Add(StandInModel.NomicEmbedText with { ContextLength = 64 });
        var client = await world.OpenAsync(OllamaWorld.Nomic);
        var text = string.Join(' ', Enumerable.Repeat("unspoken words, naturally.", 40));
        var fits = text[..client.Tokens.LengthWithin(text, client.MaxInputTokens)];

        Assert.InRange(client.MaxInputTokens, 40, 61);
        Assert.Single(await client.Documents.GenerateAsync([fits], cancellationToken: Ct));
        var refused = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync([fits + " and some more"], cancellationToken: Ct));
        Assert.Equal(EmbeddingReasons.TextRefused, refused.Reason);
        Assert.True(refused.TooLong);
    }

    [Fact]
    public async Task Where_the_vocabulary_is_of_another_kind_half_of_the_context_is_used()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:MaxInputTokens", "100000"));
        world.Server.Add(new StandInModel("qwen3-embedding", 32) { Tokenizer = "gpt2", ContextLength = 1_000 });

        var client = await world.OpenAsync("qwen3-embedding", "none");

        Assert.Same(TokenMeter.Approximate, client.Tokens);
        Assert.Equal(498, client.MaxInputTokens);
    }

    [Fact]
    public async Task The_setting_bounds_what_a_model_would_take()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:MaxInputTokens", "100"));

        Assert.Equal(98, (await world.OpenAsync(OllamaWorld.MiniLm)).MaxInputTokens);
    }
}
