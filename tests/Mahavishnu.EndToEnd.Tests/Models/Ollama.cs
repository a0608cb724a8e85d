using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>Systems whose model is the stand-in for Ollama, in the test's own process.</summary>
internal static class Ollama
{
    /// <summary>A stand-in that does not listen yet, but has its address: nobody else takes the port meanwhile for long.</summary>
    public static async Task<OllamaServer> DeadAsync(params IEnumerable<StandInModel> models)
    {
        var server = await OllamaServer.StartNewAsync(models);
        await server.StopAsync();
        return server;
    }

    /// <summary>Environment of a system that uses it; what is away is looked for again soon, and a slow machine is no model that is away.</summary>
    public static (string Name, string? Value)[] Settings(OllamaServer server, StandInModel model) =>
    [
        ("Embedding__Provider", EmbeddingProviders.Ollama),
        ("OLLAMA_BASE_URL", server.Url),
        ("OLLAMA_MODEL", model.Name),
        ("Embedding__Ollama__BreakSeconds", "0.5"),
        ("Embedding__Ollama__RetrySeconds", "0.05"),
        ("Embedding__RetrySeconds", "0.2"),
        ("Embedding__IdleSeconds", "0.2"),
        ("Embedding__LeaseSeconds", "2"),
        ("Search__EmbeddingTimeoutMs", "20000"),
    ];

    /// <summary>The health document, which must be 200: a model that is away is no reason to send nobody here.</summary>
    public static async Task<HealthDocument> HealthAsync(MahavishnuSystem system)
    {
        var answer = await system.Http.AskAsync(HttpMethod.Get, "/api/v1/health");
        Assert.Equal(200, answer.Status);
        return answer.Body.Deserialize<HealthDocument>(WireJson.Lenient)!;
    }

    public static string Table(int space) => $"embedding_{space.ToString(CultureInfo.InvariantCulture)}";
}
