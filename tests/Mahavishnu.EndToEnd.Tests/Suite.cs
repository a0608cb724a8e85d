using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>What Mahavishnu promises its users, whichever way it runs. Every test uses words, projects and folders of its own.</summary>
public abstract partial class Suite(Running running) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private MahavishnuSystem System => running.System;

    private MemoriesClient Memories => System.Memories;

    public async ValueTask InitializeAsync() => await running.StartAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>A name that no other test uses.</summary>
    private static string Unique(string prefix) => $"{prefix}-{Guid.NewGuid():n}"[..(prefix.Length + 9)];

    private Task<Memory> EmbeddedAsync(Guid id) => Eventually.Async(() => Memories.GetAsync(id, Ct), m => m.Embedding == EmbeddingStates.Ready, "The embedding");
}

/// <summary>In one process.</summary>
public sealed class UpTests(UpRunning running) : Suite(running), IClassFixture<UpRunning>;

/// <summary>As services behind the gateway.</summary>
public sealed class SplitTests(SplitRunning running) : Suite(running), IClassFixture<SplitRunning>;
