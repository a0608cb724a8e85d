using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Embeddings.Tests;

public sealed class EmbeddingsModuleTests
{
    [Fact]
    public async Task A_host_that_adds_embeddings_has_a_generator_and_its_description()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddEmbeddings();
        using var host = builder.Build();

        var info = host.Services.GetRequiredService<EmbeddingModelInfo>();
        var generator = host.Services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        var vectors = await generator.GenerateAsync(["one", "two"], cancellationToken: TestContext.Current.CancellationToken);

        Assert.All(vectors, v => Assert.Equal(info.Dimensions, v.Vector.Length));
        Assert.Same(info, generator.GetService<EmbeddingModelInfo>());
        Assert.Equal(info.Model, generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelId);
    }
}
