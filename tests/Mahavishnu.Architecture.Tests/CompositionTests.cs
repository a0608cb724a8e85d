using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Gateway;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Architecture.Tests;

/// <summary>One table of names: what the gateway sends on is what the modules serve, together and apart.</summary>
public sealed class CompositionTests
{
    [Fact]
    public void Every_name_of_the_table_is_a_route_of_the_gateway()
    {
        var routes = ProxyMap.Routes(new EdgeOptions());

        foreach (var (resource, service) in Resources.Routes)
        {
            var own = routes.Where(r => Resources.RouteOf(r.Match.Path!) == resource).ToList();
            Assert.Contains(own, r => r.Match.Path == $"/api/v1/{resource}/{{**rest}}");
            Assert.All(own, r => Assert.Equal(service, ProxyMap.ServiceOf(r.ClusterId!)));
        }
    }

    [Theory]
    [InlineData("Mahavishnu.Ingest", Resources.Ingest)]
    [InlineData("Mahavishnu.Search", Resources.Search)]
    [InlineData("Mahavishnu.Migration", Resources.Migration)]
    public void A_module_serves_the_names_that_the_table_gives_it_and_no_other(string module, string service)
    {
        var served = Served(module).ToHashSet(StringComparer.Ordinal);

        Assert.Equal(Resources.Routes.Where(r => r.Value == service).Select(r => r.Key).Order(StringComparer.Ordinal), served.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Up_composes_every_module()
    {
        using var file = new PEReader(File.OpenRead(House.Assemblies.Single(a => a.GetName().Name == "mahavishnu-cli").Location));
        var metadata = file.GetMetadataReader();
        var called = metadata.MemberReferences.Select(m => metadata.GetString(metadata.GetMemberReference(m).Name)).ToHashSet(StringComparer.Ordinal);

        foreach (var name in House.Modules.Concat(House.Edges).Select(m => m.Split('.')[^1]))
        {
            Assert.Contains($"Add{name}", called);
            Assert.Contains($"Map{name}", called);
        }
    }

    [Fact]
    public void Every_service_has_a_port_of_its_own() =>
        Assert.Equal(
            Resources.Routes.Values.Append(Resources.Gateway).Distinct(StringComparer.Ordinal).Count(),
            Resources.Ports.Values.Distinct().Count());

    /// <summary>The names of the table to which the routes that the module maps belong; one that belongs to none as it is.</summary>
    private static IEnumerable<string> Served(string module)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Settings:File"] = "",
            [$"ConnectionStrings:{Resources.Database}"] = "Host=127.0.0.1;Port=1", // mapping connects to nothing
        });
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults().AddMahavishnuDatabase().AddEmbeddings();
        var type = Assembly.Load(module).GetExportedTypes().Single(t => t.Name.EndsWith("Module", StringComparison.Ordinal));
        var name = module.Split('.')[^1];
        type.GetMethod($"Add{name}")!.MakeGenericMethod(typeof(WebApplicationBuilder)).Invoke(null, [builder]);
        using var app = builder.Build();
        type.GetMethod($"Map{name}")!.Invoke(null, [app]);
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()
            .Select(e => e.RoutePattern.RawText!)
            .Select(p => Resources.RouteOf(p) ?? p)];
    }
}
