using System.ComponentModel;
using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Mahavishnu.Contracts;
using Mahavishnu.EndToEnd.Tests;

namespace Mahavishnu.AppHost.Tests;

/// <summary>The end-to-end suite through the started AppHost.</summary>
public sealed class AspireTests(AspireRunning running) : Suite(running), IClassFixture<AspireRunning>;

/// <summary>The AppHost, started where a container engine answers.</summary>
public sealed class AspireRunning(PostgresFixture postgres) : Running(postgres, (database, roots, settings) =>
{
    ContainerEngine.Require();
    return new AspireSystem(database, roots, settings);
});

/// <summary>Nothing given: database and model are containers of their own.</summary>
public sealed class ContainerTests
{
    [Fact]
    public async Task A_memory_is_kept_in_the_container_and_found_by_its_words()
    {
        ContainerEngine.Require();
        var ct = TestContext.Current.CancellationToken;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Mahavishnu_AppHost>([], ct);
        // Not the volumes of whoever works here.
        foreach (var resource in builder.Resources)
        {
            foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(mount);
            }
        }

        await using var app = await builder.BuildAsync(ct);
        await app.StartAsync(ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync(Resources.Gateway, ct).WaitAsync(TimeSpan.FromMinutes(10), ct);
        using var http = app.CreateHttpClient(Resources.Gateway, "http");

        var stored = await new MemoriesClient(http).AddAsync(new NewMemory { Type = "agent", Source = "aspire", Content = "The heron waits by the weir." }, ct);
        var found = await new SearchClient(http).SearchAsync(new SearchRequest { Query = "heron weir", Mode = "text" }, ct);

        Assert.Contains(found.Hits, h => h.Id == stored.Id);
    }
}

internal static class ContainerEngine
{
    private static readonly Lazy<string?> Missing = new(Ask);

    /// <summary>Skips the test where no engine answers; which one is asked is Aspire's own setting.</summary>
    public static void Require() => Assert.SkipWhen(Missing.Value is not null, Missing.Value ?? "");

    private static string? Ask()
    {
        var engine = Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME") is { Length: > 0 } named ? named : "docker";
        try
        {
            using var info = Process.Start(new ProcessStartInfo(engine, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            info.BeginOutputReadLine();
            info.BeginErrorReadLine();
            return info.WaitForExit(TimeSpan.FromSeconds(30)) && info.ExitCode == 0 ? null : $"No container engine answers here ({engine} info).";
        }
        catch (Win32Exception)
        {
            return $"There is no {engine} here.";
        }
    }
}
