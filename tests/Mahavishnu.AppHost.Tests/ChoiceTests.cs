namespace Mahavishnu.AppHost.Tests;

/// <summary>A choice that cannot be meant ends the start with a sentence that names its key.</summary>
public sealed class ChoiceTests
{
    [Theory]
    [InlineData("--Database=sqlite", "Database: 'sqlite' is not one of container, given, local.")]
    [InlineData("--Database=2", "Database: '2' is not one of container, given, local.")]
    [InlineData("--Embedding:Provider=openai", "Embedding:Provider: 'openai' is not one of ollama, given, builtin.")]
    [InlineData("--Ollama:Gpu=intel", "Ollama:Gpu: 'intel' is not one of nvidia, amd.")]
    [InlineData("--Services:Replicas=0", "Services:Replicas: '0' is not a whole number from 1 to 20.")]
    [InlineData("--Services:Replicas=two", "Services:Replicas: 'two' is not a whole number from 1 to 20.")]
    public async Task An_unknown_value_names_the_key_and_what_is_known(string argument, string message) =>
        Assert.Contains(message, await RefusalAsync(() => Model.RunAsync(argument)), StringComparison.Ordinal);

    [Fact]
    public async Task An_unknown_target_is_refused() =>
        Assert.Contains("Publish:Target: 'nomad' is not one of compose, azure.", await RefusalAsync(() => Model.PublishAsync("--Publish:Target=nomad")), StringComparison.Ordinal);

    [Theory]
    [InlineData("container")]
    [InlineData("local")]
    public async Task Two_databases_are_one_too_many(string choice) =>
        Assert.Contains(
            "ConnectionStrings:mahavishnu is given. Remove one of them.",
            await RefusalAsync(() => Model.RunAsync($"--Database={choice}", "--ConnectionStrings:mahavishnu=Host=db.example")),
            StringComparison.Ordinal);

    [Fact]
    public async Task Two_models_are_one_too_many() =>
        Assert.Contains(
            "ConnectionStrings:embed is given. Remove one of them.",
            await RefusalAsync(() => Model.RunAsync("--Embedding:Provider=builtin", "--ConnectionStrings:embed=Endpoint=http://models.example:11434")),
            StringComparison.Ordinal);

    [Fact]
    public async Task This_machines_private_server_is_not_published() =>
        Assert.Contains("a published system needs", await RefusalAsync(() => Model.PublishAsync("--Database=local")), StringComparison.Ordinal);

    private static async Task<string> RefusalAsync(Func<Task<Model>> build)
    {
        var refusal = await Assert.ThrowsAnyAsync<Exception>(build);
        return refusal.ToString();
    }
}
