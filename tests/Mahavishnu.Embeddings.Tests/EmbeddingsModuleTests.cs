using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Embeddings.Tests;

public sealed class EmbeddingsModuleTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_adds_embeddings_has_the_built_in_model()
    {
        using var host = Start();
        var models = host.Services.GetRequiredService<EmbeddingModels>();

        var model = await models.DescribeAsync(EmbeddingProviders.Builtin, null, null, "cosine", Ct);
        var client = await models.OpenAsync(model, Ct);
        var vectors = await client.Documents.GenerateAsync(["one", "two"], cancellationToken: Ct);

        Assert.All(vectors, v => Assert.Equal(model.Dimensions, v.Vector.Length));
        Assert.Same(client, await models.OpenAsync(model, Ct));
    }

    [Fact]
    public async Task A_model_of_another_content_is_not_opened()
    {
        using var host = Start();
        var models = host.Services.GetRequiredService<EmbeddingModels>();
        var model = await models.DescribeAsync(EmbeddingProviders.Builtin, null, null, "cosine", Ct);

        var refused = await Assert.ThrowsAsync<EmbeddingModelException>(() => models.OpenAsync(model with { Digest = "another digest" }, Ct));

        Assert.Equal(EmbeddingReasons.ModelChanged, refused.Reason);
        Assert.Contains("another dige", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(refused.Hint);
    }

    private static IHost Start()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddEmbeddings();
        return builder.Build();
    }
}
