using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Gateway.Tests;

public sealed class GatewayHealthTests
{
    [Fact]
    public async Task The_health_document_lists_the_services_and_then_their_parts_once()
    {
        await using var house = await House.StartAsync();
        house.Search.Health = HealthStatus.Degraded;

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health");

        var components = answer.Body!["components"]!.AsArray();
        Assert.Equal((HttpStatusCode.OK, "degraded"), (answer.Status, (string?)answer.Body["status"]));
        Assert.Equal(["ingest", "search", "migration", "postgresql"], components.Select(c => (string?)c!["name"]));
        Assert.Equal(["healthy", "degraded", "healthy", "degraded"], components.Select(c => (string?)c!["status"]));
        Assert.Equal("as search sees it", (string?)components[3]!["message"]);
        Assert.Equal(3, (int)components[3]!["metadata"]!["schemaVersion"]!);
        Assert.All(components, c => Assert.NotNull(c!["latency_ms"]));
    }

    [Fact]
    public async Task A_service_that_is_down_makes_the_whole_unhealthy_and_is_named()
    {
        await using var house = await House.StartAsync();
        await house.Search.DisposeAsync();

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unhealthy"), (answer.Status, (string?)answer.Body!["status"]));
        var search = Assert.Single(answer.Body["components"]!.AsArray(), c => (string?)c!["status"] == "unhealthy")!;
        Assert.Equal(("search", "The search service does not answer."), ((string?)search["name"], (string?)search["message"]));
    }

    [Fact]
    public async Task A_service_that_hangs_does_not_hang_the_document()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var house = await House.StartAsync(gateway: [("services:search:http:0", $"http://{silent.LocalEndpoint}")]);

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal(["healthy", "unhealthy", "healthy"], answer.Body!["components"]!.AsArray().Take(3).Select(c => (string?)c!["status"]));
        Assert.Equal("The search service does not answer within 5 s.", (string?)answer.Body["components"]![1]!["message"]);
    }

    [Fact]
    public async Task The_schema_is_told_with_the_service_of_that_name()
    {
        await using var house = await House.StartAsync(part: "migration");
        house.Ingest.Health = HealthStatus.Unhealthy;

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health");

        var components = answer.Body!["components"]!.AsArray();
        Assert.Equal(["ingest", "search", "migration"], components.Select(c => (string?)c!["name"]));
        Assert.Equal(("unhealthy", "as ingest sees it", 3), ((string?)components[2]!["status"], (string?)components[2]!["message"], (int)components[2]!["metadata"]!["schemaVersion"]!));
    }

    [Fact]
    public async Task Ready_waits_for_all_services_and_then_holds_while_one_is()
    {
        await using var house = await House.StartAsync();
        house.Search.Health = HealthStatus.Unhealthy;
        var starting = await ReadyAsync(house);
        house.Search.Health = HealthStatus.Healthy;
        var ready = await ReadyAsync(house);
        house.Search.Health = HealthStatus.Unhealthy;
        var one = await ReadyAsync(house);
        foreach (var service in house.Services.Values)
        {
            service.Health = HealthStatus.Unhealthy;
        }

        var none = await ReadyAsync(house);

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable], [starting.Status, ready.Status, one.Status, none.Status]);
        Assert.Equal([false, true, true, false], new[] { starting, ready, one, none }.Select(a => (bool)a.Body["ready"]!));
        Assert.Equal("unhealthy", (string?)starting.Body["checks"]!["search"]!["status"]);
        Assert.Equal("unhealthy", (string?)one.Body["checks"]!["search"]!["status"]);
        Assert.Equal(3, (int)ready.Body["checks"]!["postgresql"]!["schemaVersion"]!);
        Assert.Equal("healthy", (string?)ready.Body["checks"]!["startup"]!["status"]);
    }

    [Fact]
    public async Task With_a_key_the_gateway_asks_its_services_with_it()
    {
        (string, string?)[] key = [("Auth:ApiKey", "open-sesame")];
        await using var house = await House.StartAsync(gateway: key, services: key);

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health", null, ("Authorization", "Bearer open-sesame"));

        Assert.Equal((HttpStatusCode.OK, "healthy"), (answer.Status, (string?)answer.Body!["status"]));
    }

    [Fact]
    public async Task A_service_with_another_key_says_so()
    {
        await using var house = await House.StartAsync(services: [("Auth:ApiKey", "other")]);

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal("unhealthy", (string?)answer.Body!["status"]);
        Assert.Contains("API key", (string?)answer.Body["components"]![0]!["message"], StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, JsonNode Body)> ReadyAsync(House house)
    {
        var answer = await house.AskAsync(HttpMethod.Get, "/health/ready");
        return (answer.Status, answer.Body!);
    }
}
