using System.Net.Http.Headers;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Client;

/// <summary>Registers the clients of a Mahavishnu.</summary>
public static class MahavishnuClient
{
    /// <summary>The name of the clients' HTTP client.</summary>
    public const string Name = "mahavishnu";

    /// <summary>Adds the typed clients of Mahavishnu.Contracts and a <see cref="ChatMemory"/>.</summary>
    /// <returns>The HTTP client they share, for handlers of your own.</returns>
    public static IHttpClientBuilder AddMahavishnuClient(this IServiceCollection services, Action<MahavishnuClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<MahavishnuClientOptions>()
            .Configure(configure ?? (_ => { }))
            .Validate(o => o.Address is { IsAbsoluteUri: true, Scheme: "http" or "https" }, "MahavishnuClientOptions.Address must be an address such as http://127.0.0.1:8686.")
            .Validate(o => o.Timeout > TimeSpan.Zero, "MahavishnuClientOptions.Timeout must be more than nothing.");
        services.AddOptions<ChatMemoryOptions>()
            .Validate(o => o.MaxTokens is >= 50 and <= 100_000, "ChatMemoryOptions.MaxTokens must be from 50 to 100000.")
            .Validate(o => o.Limit is >= 1 and <= SearchRequest.MaxLimit, $"ChatMemoryOptions.Limit must be from 1 to {SearchRequest.MaxLimit}.")
            .Validate(o => o.Patience > TimeSpan.Zero, "ChatMemoryOptions.Patience must be more than nothing.");
        services.AddLogging();
        services.TryAddSingleton<ChatMemory>();
        Add(services, static http => new MemoriesClient(http));
        Add(services, static http => new SearchClient(http));
        Add(services, static http => new ConversationsClient(http));
        Add(services, static http => new WorkflowsClient(http));
        Add(services, static http => new InsightsClient(http));
        Add(services, static http => new InsightSharesClient(http));
        Add(services, static http => new ProjectsClient(http));
        Add(services, static http => new RepositoriesClient(http));
        Add(services, static http => new OperationsClient(http));
        Add(services, static http => new ImportsClient(http));
        Add(services, static http => new EvaluationsClient(http));
        Add(services, static http => new AdminClient(http));
        return services.AddHttpClient(Name, static (provider, http) =>
        {
            var options = provider.GetRequiredService<IOptions<MahavishnuClientOptions>>().Value;
            http.BaseAddress = options.Address;
            http.Timeout = options.Timeout;
            if (!string.IsNullOrWhiteSpace(options.ApiKey))
            {
                http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
            }
        })
        // The clients live as long as the application: connections, and with them addresses, are renewed here.
        .UseSocketsHttpHandler(static (handler, _) => handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2))
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
    }

    private static void Add<T>(IServiceCollection services, Func<HttpClient, T> make) where T : class =>
        services.TryAddSingleton(provider => make(provider.GetRequiredService<IHttpClientFactory>().CreateClient(Name)));
}
