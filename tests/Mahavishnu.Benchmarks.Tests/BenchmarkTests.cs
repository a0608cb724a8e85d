namespace Mahavishnu.Benchmarks.Tests;

/// <summary>Benchmarks that are run by hand, and seldom, over a tiny store: that they get to their end and measure what they say. How fast it went is nobody's business here.</summary>
public sealed class BenchmarkTests(PostgresFixture postgres)
{
    private static readonly Dictionary<string, string> Tiny = new(StringComparer.Ordinal)
    {
        ["rows"] = "600",
        ["seconds"] = "0",
        ["rounds"] = "1",
        ["questions"] = "8",
        ["turns"] = "5",
    };

    public static TheoryData<string, string[]> Benchmarks => new()
    {
        { "projects", ["one project: gateway p95", "across projects, 3 hops: bare p95", "across projects, 1 hops, 16 clients: gateway : bare", "across projects, 2 hops : one project, gateway p50"] },
        { "unified", ["unified, a rare word: bare p50", "unified, eight words in a project: gateway p95", "unified, eight words, 64 clients: gateway"] },
        { "mcp", ["REST p50", "MCP p50", "MCP − REST p95"] },
    };

    [Theory]
    [MemberData(nameof(Benchmarks))]
    public async Task It_runs_to_its_end_and_every_figure_is_a_number(string name, string[] among)
    {
        // Skipped without a server, as all that need one.
        await postgres.ReadOnlyDatabaseAsync();
        var benchmark = BenchmarkProgram.All.Single(b => b.Name == name);

        var figures = await benchmark.RunAsync(new BenchmarkArguments(name, Json: false, Unrecorded: true, Tiny), TestContext.Current.CancellationToken);

        Assert.All(figures, f => Assert.True(double.IsFinite(f.Value), $"{f.Name} is {f.Value}."));
        Assert.Subset(figures.Select(f => f.Name).ToHashSet(StringComparer.Ordinal), among.ToHashSet(StringComparer.Ordinal));
        Assert.Equal(figures.Count, figures.Select(f => (f.Name, f.Unit)).Distinct().Count());
    }
}
