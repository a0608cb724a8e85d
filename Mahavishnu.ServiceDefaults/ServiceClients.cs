using System.Net.Http.Headers;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The typed clients of Contracts, for what stands at the door.</summary>
public static class ServiceClients
{
    /// <summary>By the services' names: who answers to one is configuration. They show the deployment's own key, as the door has checked the caller's.</summary>
    public static TBuilder AddServiceClients<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        foreach (var service in Resources.Routes.Values.Distinct(StringComparer.Ordinal))
        {
            builder.Services.AddHttpClient(service, (services, http) =>
            {
                http.BaseAddress = new Uri($"http://{service}");
                if (services.GetRequiredService<IOptions<AuthOptions>>().Value is { HasKey: true, ApiKey: { } key })
                {
                    http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
                }
            });
        }

        // One of each for the whole life of the process: the factory's handlers close idle connections and look names up again by themselves.
        AddAll(builder.Services, static (services, service) => services.GetRequiredService<IHttpClientFactory>().CreateClient(service));
        return builder;
    }

    /// <summary>All at one address, a door's: <paramref name="http"/> carries it, and the key.</summary>
    public static TBuilder AddServiceClients<TBuilder>(this TBuilder builder, HttpClient http) where TBuilder : IHostApplicationBuilder
    {
        AddAll(builder.Services, (_, _) => http);
        return builder;
    }

    /// <summary>Where all modules are one process, it answers to each service's name itself. Call once it listens: only then is the port known.</summary>
    public static void AnswerToEveryName(this WebApplication app)
    {
        var url = OwnDoor.AddressOf(app.Urls).GetLeftPart(UriPartial.Authority);
        // A source that is added is heard at once, also by whoever has asked for a name before.
        ((IConfigurationBuilder)app.Configuration).AddInMemoryCollection(
            Resources.Routes.Values.Distinct(StringComparer.Ordinal).Select(service => KeyValuePair.Create($"services:{service}:http:0", (string?)url)));
    }

    private static void AddAll(IServiceCollection services, Func<IServiceProvider, string, HttpClient> open)
    {
        services.TryAddSingleton(s => new MemoriesClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new ConversationsClient(open(s, Resources.Ingest)));
        // Recalls are the search service's: where services are apart, this one does not answer them.
        services.TryAddSingleton(s => new WorkflowsClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new InsightSharesClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new ProjectsClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new RepositoriesClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new OperationsClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new AdminClient(open(s, Resources.Ingest)));
        services.TryAddSingleton(s => new SearchClient(open(s, Resources.Search)));
        services.TryAddSingleton(s => new EvaluationsClient(open(s, Resources.Search)));
        services.TryAddSingleton(s => new ImportsClient(open(s, Resources.Migration)));
    }
}
