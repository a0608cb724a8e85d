using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The description of the REST routes, and the page that shows it.</summary>
public static class ApiDocument
{
    public const string Name = "v1";

    /// <summary>Where the description is served.</summary>
    public const string Path = "/openapi/v1.json";

    /// <summary>Where the page is served.</summary>
    public const string Page = "/scalar";

    internal static void Add(IServiceCollection services) => services.AddOpenApi(Name, options =>
        options.AddDocumentTransformer((document, context, _) =>
        {
            document.Info = new OpenApiInfo
            {
                // The plan's server_name, where one is given.
                Title = context.ApplicationServices.GetRequiredService<IConfiguration>()["server_name"] is { Length: > 0 } name ? name : "Mahavishnu",
                Version = ProgramVersion.Current,
                Description = "One memory for all of a developer's agents, workflows and repositories.",
            };
            // The address is whatever the reader used; a baked-in one would be that of the service behind the gateway.
            document.Servers = [];
            if (context.ApplicationServices.GetRequiredService<IOptions<AuthOptions>>().Value.HasKey)
            {
                const string Scheme = "apiKey";
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
                document.Components.SecuritySchemes[Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" };
                document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
            }

            return Task.CompletedTask;
        }));

    /// <summary>Maps <see cref="Page"/>. It loads nothing from elsewhere: script and fonts come from this server or the system.</summary>
    public static void MapApiPage(this IEndpointRouteBuilder routes)
    {
        routes.MapScalarApiReference(Page, options => options
            .WithTitle("Mahavishnu API")
            .WithOpenApiRoutePattern(Path)
            .DisableDefaultFonts()
            .DisableTelemetry()
            .DisableAgent()
            .DisableMcp()
            .HideDeveloperTools()
            .HideClientButton())
            .WithMetadata(new SelfContainedPage());
    }

    /// <summary>Marks the endpoints of a page that may talk to this server only.</summary>
    internal sealed class SelfContainedPage;

    /// <summary>Tells the browser to hold the page to it: the bundled script knows addresses of its maker.</summary>
    internal static Task SealPageAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<SelfContainedPage>() is not null)
        {
            context.Response.Headers.ContentSecurityPolicy =
                "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'";
        }

        return next(context);
    }
}
