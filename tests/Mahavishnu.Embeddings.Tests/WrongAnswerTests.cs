using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>Each way in which an answer can be wrong has a reason of its own, and none gives a vector.</summary>
public sealed class WrongAnswerTests
{
    private static readonly string[] Texts = ["one", "two", "three"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StandInAnswer.TooFew, EmbeddingReasons.WrongCount, "3 texts went to all-minilm, 2 vectors came back")]
    [InlineData(StandInAnswer.TooMany, EmbeddingReasons.WrongCount, "3 texts went to all-minilm, 4 vectors came back")]
    [InlineData(StandInAnswer.NoVectors, EmbeddingReasons.WrongCount, "0 vectors")]
    [InlineData(StandInAnswer.NaNRefused, EmbeddingReasons.NotFinite, "NaN")]
    [InlineData(StandInAnswer.NaNError, EmbeddingReasons.NotFinite, "unsupported value: NaN")]
    [InlineData(StandInAnswer.NaNWritten, EmbeddingReasons.BadAnswer, "cannot be read")]
    [InlineData(StandInAnswer.InfinityWritten, EmbeddingReasons.NotFinite, "infinite")]
    [InlineData(StandInAnswer.BeyondHalf, EmbeddingReasons.NotFinite, "infinite")]
    [InlineData(StandInAnswer.Zeros, EmbeddingReasons.ZeroVector, "zeros")]
    [InlineData(StandInAnswer.OtherDimensions, EmbeddingReasons.WrongDimensions, "382 dimensions; the space has 384")]
    [InlineData(StandInAnswer.EmptyBody, EmbeddingReasons.BadAnswer, "cannot be read")]
    [InlineData(StandInAnswer.NotJson, EmbeddingReasons.BadAnswer, "cannot be read")]
    [InlineData(StandInAnswer.ModelMissing, EmbeddingReasons.ModelMissing, "does not have the model all-minilm")]
    [InlineData(StandInAnswer.ServerError, EmbeddingReasons.ModelError, "llama runner process has terminated")]
    [InlineData(StandInAnswer.RunnerDied, EmbeddingReasons.ModelError, "EOF")]
    [InlineData(StandInAnswer.Busy, EmbeddingReasons.ModelAway, "server busy")]
    [InlineData(StandInAnswer.TooManyRequests, EmbeddingReasons.ModelAway, "429")]
    [InlineData(StandInAnswer.CutHalfway, EmbeddingReasons.ModelAway, "cut the connection")]
    public async Task It_is_told_by_its_reason(StandInAnswer answer, string reason, string says)
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:Retries", "0"));
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(answer);

        var documents = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(Texts, cancellationToken: Ct));
        Assert.Equal(reason, documents.Reason);
        Assert.Contains(says, documents.Message, StringComparison.Ordinal);
        Assert.False(documents.TooLong);
        Assert.Equal(reason is EmbeddingReasons.ModelAway or EmbeddingReasons.ModelMissing, documents.IsModelWide);

        var question = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Questions.GenerateAsync(Texts, cancellationToken: Ct));
        Assert.Equal(reason, question.Reason);

        world.Server.Behaviour.Answer(StandInAnswer.Right);
        Assert.Equal(StandInVectors.Of(StandInModel.AllMiniLm, "two"), (await client.Questions.GenerateAsync(Texts, cancellationToken: Ct))[1].Vector.ToArray());
    }

    [Fact]
    public async Task A_server_that_is_gone_is_named_by_the_key_that_gives_its_address()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync();
        await world.Server.StopAsync();

        var away = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(Texts, cancellationToken: Ct));
        var unknown = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("nomic-embed-text"));

        Assert.All([away, unknown], e => Assert.Equal(EmbeddingReasons.ModelAway, e.Reason));
        Assert.All([away, unknown], e => Assert.StartsWith($"OLLAMA_BASE_URL {world.Server.Url} does not answer.", e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Something_else_at_the_address_is_not_taken_for_a_server_without_models()
    {
        await using var world = await OllamaWorld.StartAsync();
        world.Server.Behaviour.SomethingElse = true;

        var else_ = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("nomic-embed-text"));

        Assert.Equal(EmbeddingReasons.ModelAway, else_.Reason);
        Assert.Contains($"{world.Server.Url} answers, but not as Ollama does", else_.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_poisoned_text_fails_with_those_beside_it_and_not_for_the_model()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync();
        world.Server.Behaviour.Poison("deadly");

        var failed = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["good", "deadly"], cancellationToken: Ct));

        Assert.Equal(EmbeddingReasons.ModelError, failed.Reason);
        Assert.False(failed.IsModelWide);
        Assert.Single(await client.Documents.GenerateAsync(["good"], cancellationToken: Ct));
    }
}
