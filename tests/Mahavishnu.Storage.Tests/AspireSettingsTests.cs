using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Mahavishnu.Storage.Tests;

/// <summary>A deployment that knows Aspire.Npgsql finds its keys, and the names under which that package reports.</summary>
public sealed class AspireSettingsTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("PostgreSql")]
    [InlineData("postgresql", "Aspire:Npgsql:DisableHealthChecks")]
    [InlineData("postgresql", "Aspire:Npgsql:mahavishnu:DisableHealthChecks")]
    public void The_check_has_the_packages_name_unless_it_is_switched_off(string name, params string[] on)
    {
        using var services = Services([.. on.Select(key => (key, (string?)"true"))]).BuildServiceProvider();

        var check = services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.Single(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

        Assert.Equal((name, on.Length == 0), (check.Name, check.Tags.Contains(HealthRoutes.ReadyTag)));
    }

    [Fact]
    public async Task Without_its_check_readiness_asks_for_the_schema_alone_and_the_health_document_still_has_the_database()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await TestHost.StartAsync(database.ConnectionString, _ => { }, _ => { }, ("Aspire:Npgsql:DisableHealthChecks", "true"));

        var ready = await host.Http.GetFromJsonAsync<JsonElement>(HealthRoutes.Ready, Ct);
        // 503 until the database has been looked at, which readiness has not waited for.
        using var answer = await host.Http.GetAsync("/api/v1/health", Ct);
        var health = await answer.Content.ReadFromJsonAsync<HealthDocument>(WireJson.Lenient, Ct);

        Assert.DoesNotContain(ready.GetProperty("checks").EnumerateObject(), c => c.Name == "postgresql");
        Assert.Contains(ready.GetProperty("checks").EnumerateObject(), c => c.Name == "migration");
        Assert.Single(health!.Components, c => c.Name == "postgresql");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true, "Aspire:Npgsql:DisableTracing")]
    [InlineData(true, false, "Aspire:Npgsql:mahavishnu:DisableMetrics")]
    public async Task Statements_are_spans_and_the_pool_is_measured_unless_it_is_switched_off(bool spans, bool metrics, params string[] on)
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var services = Services([($"ConnectionStrings:{Resources.Database}", database.ConnectionString), .. on.Select(key => (key, (string?)"true"))]);
        using var traced = new Kept<Activity>(span => span.Source.Name);
        using var measured = new Kept<Metric>(metric => metric.MeterName);
        services.AddOpenTelemetry()
            .WithTracing(t => t.AddProcessor(new SimpleActivityExportProcessor(traced)))
            .WithMetrics(m => m.AddReader(new BaseExportingMetricReader(measured)));
        await using var provider = services.BuildServiceProvider();
        var tracer = provider.GetRequiredService<TracerProvider>();
        var meter = provider.GetRequiredService<MeterProvider>();

        await using (var command = provider.GetRequiredService<NpgsqlDataSource>().CreateCommand("SELECT 1"))
        {
            await command.ExecuteScalarAsync(Ct);
        }

        tracer.ForceFlush();
        meter.ForceFlush();
        Assert.Equal((spans, metrics), (traced.Names.ContainsKey("Npgsql"), measured.Names.ContainsKey("Npgsql")));
    }

    [Fact]
    public void What_is_said_for_this_database_is_stronger_than_what_is_said_for_any()
    {
        using var services = Services(("Aspire:Npgsql:DisableHealthChecks", "true"), ("Aspire:Npgsql:mahavishnu:DisableHealthChecks", "false")).BuildServiceProvider();

        Assert.Contains(services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations, r => r.Name == "PostgreSql");
    }

    [Fact]
    public void A_switch_that_is_neither_on_nor_off_stops_the_start_and_names_its_key()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Services(("Aspire:Npgsql:mahavishnu:DisableMetrics", "perhaps")));

        Assert.Equal(["Aspire:Npgsql:mahavishnu:DisableMetrics: 'perhaps' is not true or false."], StartupErrors.Describe(error));
    }

    /// <summary>Where things came from that would have been sent. Metrics are reused: they cannot be kept themselves.</summary>
    private sealed class Kept<T>(Func<T, string> source) : BaseExporter<T>
        where T : class
    {
        public ConcurrentDictionary<string, bool> Names { get; } = new(StringComparer.Ordinal);

        public override ExportResult Export(in Batch<T> batch)
        {
            foreach (var item in batch)
            {
                Names[source(item)] = true;
            }

            return ExportResult.Success;
        }
    }

    private static IServiceCollection Services(params (string Key, string? Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.AddMahavishnuDatabase();
        return builder.Services;
    }
}
