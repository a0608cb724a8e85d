using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>Which model a store without a space gets, and what is said of the one that is meant.</summary>
public sealed class ChoiceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("auto", true, "ollama", "nomic-embed-text")]
    [InlineData("auto", false, "builtin", "builtin-hash-v1")]
    [InlineData("ollama", true, "ollama", "nomic-embed-text")]
    [InlineData("builtin", true, "builtin", "builtin-hash-v1")]
    public async Task It_follows_from_the_setting_and_from_what_is_there(string setting, bool there, string provider, string name)
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Provider", setting), ("Embedding:Distance", "ip"));
        if (!there)
        {
            world.Server.Remove("nomic-embed-text");
        }

        var model = await world.Models.ChooseAsync(Ct);

        Assert.Equal((provider, name, "ip"), (model.Provider, model.Model, model.Distance));
        Assert.Equal(EmbeddingProviderStates.Ready, (await world.Models.StatusAsync(null, Ct)).State);
    }

    [Fact]
    public async Task Automatically_it_is_the_built_in_one_where_nobody_answers()
    {
        await using var world = await OllamaWorld.StartAsync();
        await world.Server.StopAsync();

        Assert.Equal("builtin", (await world.Models.ChooseAsync(Ct)).Provider);
        var status = await world.Models.StatusAsync(null, Ct);
        Assert.Equal(("builtin", EmbeddingProviderStates.Ready), (status.Provider, status.State));
        Assert.Equal($"OLLAMA_BASE_URL {world.Server.Url} does not answer. The built-in model is used.", status.Message);
    }

    [Fact]
    public async Task Automatically_nobody_waits_long_for_an_answer()
    {
        var time = new ManualTime();
        await using var world = await OllamaWorld.StartAsync(null, time);
        world.Server.Behaviour.HoldAsked();

        var choosing = world.Models.ChooseAsync(Ct);
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Requests("/api/tags") == 1));
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("builtin", (await choosing).Provider);
    }

    [Theory]
    [InlineData(true, EmbeddingReasons.ModelMissing, "ollama pull nomic-embed-text")]
    [InlineData(false, EmbeddingReasons.ModelAway, null)]
    public async Task Asked_for_by_name_nothing_else_is_taken(bool answers, string reason, string? hint)
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Provider", "ollama"));
        world.Server.Remove("nomic-embed-text");
        if (!answers)
        {
            await world.Server.StopAsync();
        }

        var fault = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.Models.ChooseAsync(Ct));
        var status = await world.Models.StatusAsync(null, Ct);

        Assert.Equal((reason, hint), (fault.Reason, fault.Hint));
        Assert.StartsWith($"OLLAMA_BASE_URL {world.Server.Url} does not", fault.Message, StringComparison.Ordinal);
        // Nothing else is taken by itself; for a server that is away the status says how somebody would decide to.
        Assert.Equal(
            (answers ? EmbeddingProviderStates.Missing : EmbeddingProviderStates.Away, fault.Message, hint ?? "mahavishnu embeddings add builtin"),
            (status.State, status.Message, status.Hint));
    }

    [Fact]
    public async Task The_settings_profile_is_for_the_settings_model()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Profile", "none"));

        Assert.Equal("none", (await world.Models.ChooseAsync(Ct)).PrefixProfile);
        Assert.Equal("mxbai", (await world.DescribeAsync("mxbai-embed-large")).PrefixProfile);
    }

    [Fact]
    public async Task A_spaces_provider_that_is_away_or_another_comes_with_the_command_that_changes_it()
    {
        await using var world = await OllamaWorld.StartAsync();
        var model = await world.DescribeAsync(OllamaWorld.Nomic);
        Assert.Equal(EmbeddingProviderStates.Ready, (await world.Models.StatusAsync(model, Ct)).State);

        world.Server.Add(StandInModel.NomicEmbedText.Version(2));
        var changed = await world.Models.StatusAsync(model, Ct);
        world.Server.Remove(OllamaWorld.Nomic);
        var missing = await world.Models.StatusAsync(model, Ct);
        await world.Server.StopAsync();
        var away = await world.Models.StatusAsync(model, Ct);

        Assert.Equal((EmbeddingProviderStates.Changed, "mahavishnu embeddings add nomic-embed-text"), (changed.State, changed.Hint));
        Assert.Equal((EmbeddingProviderStates.Missing, "ollama pull nomic-embed-text"), (missing.State, missing.Hint));
        Assert.Equal((EmbeddingProviderStates.Away, "mahavishnu embeddings add builtin"), (away.State, away.Hint));
    }

    [Fact]
    public async Task Health_follows_the_model_in_use_and_asks_now_and_then()
    {
        var time = new ManualTime();
        await using var world = await OllamaWorld.StartAsync(null, time);
        await world.OpenAsync(OllamaWorld.Nomic);

        var well = await world.HealthAsync();
        await world.HealthAsync();
        Assert.Equal(1, world.Server.Record.Requests("/api/tags"));
        Assert.Equal((HealthStatus.Healthy, "nomic-embed-text"), (well.Status, (string)well.Data["model"]));

        await world.Server.StopAsync();
        Assert.Equal(HealthStatus.Healthy, (await world.HealthAsync()).Status);
        time.Advance(TimeSpan.FromSeconds(10));
        var away = await world.HealthAsync();

        Assert.Equal(HealthStatus.Degraded, away.Status);
        Assert.Contains("does not answer", away.Description, StringComparison.Ordinal);
        Assert.Equal("mahavishnu embeddings add builtin", away.Data["hint"]);
    }

    [Fact]
    public async Task A_missing_model_is_pulled_where_that_is_allowed()
    {
        var server = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        server.Behaviour.HoldPulls();
        await using var world = await OllamaWorld.StartAsync(server, null, ("Embedding:Provider", "ollama"), ("Embedding:Pull", "true"));

        // The start has begun it; whoever needs the model is told how far it is, and nobody waits.
        var half = await Eventually.Async(() => world.Models.StatusAsync(null, Ct), s => s.PulledBytes == 500_000);
        Assert.Equal((EmbeddingProviderStates.Pulling, 1_000_000L), (half.State, half.PullBytes));
        var waiting = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.Models.ChooseAsync(Ct));
        Assert.Equal((EmbeddingReasons.ModelMissing, true), (waiting.Reason, waiting.OnItsWay));
        Assert.Contains("is pulling nomic-embed-text (0.5 of 1 MB)", waiting.Message, StringComparison.Ordinal);
        Assert.Equal(1, server.Record.Requests("/api/pull"));

        server.Behaviour.ReleasePulls();

        var ready = await Eventually.Async(() => world.Models.StatusAsync(null, Ct), s => s.State != EmbeddingProviderStates.Pulling);
        Assert.Equal(EmbeddingProviderStates.Ready, ready.State);
        Assert.Equal(768, (await world.Models.ChooseAsync(Ct)).Dimensions);
    }

    [Fact]
    public async Task A_model_that_cannot_be_pulled_is_not_asked_for_again_at_once()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Pull", "true"));
        await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("no-such-model"));

        var refused = await Eventually.Async(
            async () => (await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("no-such-model"))).Message, m => m.Contains("cannot pull", StringComparison.Ordinal));
        await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("no-such-model"));

        Assert.Contains("pull model manifest: file does not exist", refused, StringComparison.Ordinal);
        Assert.Equal(1, world.Server.Record.Requests("/api/pull"));
    }

    [Fact]
    public async Task Without_leave_nothing_is_pulled()
    {
        await using var world = await OllamaWorld.StartAsync();
        await Assert.ThrowsAsync<EmbeddingModelException>(() => world.DescribeAsync("bge-large"));

        Assert.Equal(0, world.Server.Record.Requests("/api/pull"));
    }
}
