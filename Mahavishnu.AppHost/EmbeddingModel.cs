using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost;

/// <summary>The model that computes vectors, as far as it is a resource of its own.</summary>
internal static class EmbeddingModel
{
    /// <returns>Null: the model that the services carry.</returns>
    public static IResourceBuilder<IResourceWithConnectionString>? AddEmbeddingModel(this IDistributedApplicationBuilder builder, Choices choices) => choices.Model switch
    {
        ModelChoice.Builtin => null,
        ModelChoice.Given => builder.AddConnectionString(Resources.EmbeddingModel),
        _ => builder.AddOllamaContainer(choices).AddModel(Resources.EmbeddingModel, "nomic-embed-text"),
    };

    /// <summary>Nobody waits for the model: memories are taken and found by their words until it is there.</summary>
    public static IResourceBuilder<ProjectResource> WithModel(this IResourceBuilder<ProjectResource> service, IResourceBuilder<IResourceWithConnectionString>? model) =>
        model is null
            ? service.WithEnvironment("Embedding__Provider", EmbeddingProviders.Builtin)
            : service.WithReference(model)
                .WithEnvironment("Embedding__Provider", EmbeddingProviders.Ollama)
                // Run from here, Aspire fetches the model; published, nobody else does.
                .WithEnvironment("Embedding__Pull", service.ApplicationBuilder.ExecutionContext.IsPublishMode ? "true" : "false");

    private static IResourceBuilder<OllamaResource> AddOllamaContainer(this IDistributedApplicationBuilder builder, Choices choices)
    {
        var ollama = builder.AddOllama("ollama").WithDataVolume("mahavishnu-ollama")
            .PublishToCompose(choices, service =>
            {
                service.Restart = ComposeTarget.Always;
                service.Healthcheck = ComposeTarget.Check(["CMD", "ollama", "list"], every: "10s", patience: "60s");
                if (choices.Gpu is { } vendor)
                {
                    ComposeTarget.GiveGpu(service, vendor);
                }
            })
            .WithRoomForAModel(choices);
        return choices.Gpu is { } gpu ? ollama.WithGPUSupport(gpu) : ollama;
    }
}
