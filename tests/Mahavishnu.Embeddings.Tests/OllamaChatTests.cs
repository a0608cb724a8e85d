using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using OllamaSharp;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>A model that talks, over the wire: what is sent, what comes back, and what every fault is called.</summary>
public sealed class OllamaChatTests : IAsyncLifetime
{
    private const string Key = "Insights:Model:Url";
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly OllamaServer _server = new(0, StandInModel.Chatting, StandInModel.AllMiniLm);

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private IChatClient Open(string? model = null, string? url = null, double seconds = 60, string? embeddingUrl = null) => OllamaChat.Open(
        new ConfigurationBuilder().AddInMemoryCollection([new("OLLAMA_BASE_URL", embeddingUrl ?? _server.Url)]).Build(),
        new ChatModel(model ?? StandInModel.Chatting.Name, url, Key, TimeSpan.FromSeconds(seconds)), TimeProvider.System);

    [Fact]
    public async Task A_question_goes_out_whole_with_its_schema_and_without_thinking()
    {
        _server.Behaviour.Say = static call => call.Messages[^1].Content.ToUpperInvariant();
        using var client = Open();

        var answer = await client.GetResponseAsync(
            [new ChatMessage(ChatRole.System, "Be brief."), new ChatMessage(ChatRole.User, "hello")],
            new ChatOptions
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"integer"}}}""")),
                Temperature = 0,
                MaxOutputTokens = 100,
                Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
                AdditionalProperties = new() { ["num_ctx"] = 4096 },
            },
            Ct);

        Assert.Equal(("HELLO", ChatFinishReason.Stop), (answer.Text, answer.FinishReason));
        var call = Assert.Single(_server.Record.Chats);
        Assert.Equal(("llama3.2", false), (call.Model, call.Stream));
        Assert.Equal([new StandInMessage("system", "Be brief."), new StandInMessage("user", "hello")], call.Messages);
        Assert.Equal("""{"type":"object","properties":{"a":{"type":"integer"}}}""", call.Format!.ToJsonString());
        Assert.Equal((0, 100, 4096), ((int)call.Options!["temperature"]!, (int)call.Options["num_predict"]!, (int)call.Options["num_ctx"]!));
        Assert.False((bool)call.Think!);
    }

    [Theory]
    [InlineData(StandInAnswer.ModelMissing, ChatReasons.ModelMissing, true)]
    [InlineData(StandInAnswer.Busy, ChatReasons.ModelAway, true)]
    [InlineData(StandInAnswer.TooManyRequests, ChatReasons.ModelAway, true)]
    [InlineData(StandInAnswer.CutHalfway, ChatReasons.ModelAway, true)]
    [InlineData(StandInAnswer.ServerError, ChatReasons.ModelError, false)]
    [InlineData(StandInAnswer.Silence, ChatReasons.TooLate, false)]
    [InlineData(StandInAnswer.SilenceHalfway, ChatReasons.TooLate, false)]
    public async Task A_fault_has_a_name_and_says_whether_anything_else_could_be_asked(StandInAnswer answer, string reason, bool modelWide)
    {
        _server.Behaviour.AnswerChat(answer);
        using var client = Open(seconds: reason == ChatReasons.TooLate ? 0.3 : 60);

        var fault = await Assert.ThrowsAsync<ChatModelException>(() => client.GetResponseAsync("hello", cancellationToken: Ct));

        Assert.Equal((reason, modelWide), (fault.Reason, fault.IsModelWide));
        Assert.Equal(reason == ChatReasons.ModelMissing ? "ollama pull llama3.2" : null, fault.Hint);
    }

    [Fact]
    public async Task A_model_that_only_embeds_is_none_to_talk_to()
    {
        using var client = Open(StandInModel.AllMiniLm.Name);

        var fault = await Assert.ThrowsAsync<ChatModelException>(() => client.GetResponseAsync("hello", cancellationToken: Ct));

        Assert.Equal((ChatReasons.ModelMissing, "all-minilm is not a model that talks."), (fault.Reason, fault.Message));
    }

    [Fact]
    public async Task An_answer_that_does_not_end_is_not_kept()
    {
        _server.Behaviour.Say = static _ => new string('x', 2 * 1024 * 1024);
        using var client = Open();

        var fault = await Assert.ThrowsAsync<ChatModelException>(() => client.GetResponseAsync("hello", cancellationToken: Ct));

        Assert.Equal((ChatReasons.BadAnswer, "llama3.2 answered with more than 1048576 bytes."), (fault.Reason, fault.Message));
    }

    [Fact]
    public async Task The_address_of_its_own_wins_and_a_wrong_one_is_named()
    {
        using var client = Open(url: _server.Url, embeddingUrl: "http://127.0.0.1:1");
        await client.GetResponseAsync("hello", cancellationToken: Ct);
        Assert.Single(_server.Record.Chats);

        Assert.StartsWith($"{Key}: 'ftp://x'", Assert.Throws<SettingsException>(() => Open(url: "ftp://x")).Message, StringComparison.Ordinal);
        await _server.StopAsync();
        var away = await Assert.ThrowsAsync<ChatModelException>(() => client.GetResponseAsync("hello", cancellationToken: Ct));
        Assert.Equal((ChatReasons.ModelAway, $"{Key} {_server.Url} does not answer."), (away.Reason, away.Message));
    }

    [Fact]
    public async Task Whoever_gives_up_waiting_is_told_so_and_nothing_else()
    {
        _server.Behaviour.HoldChats();
        using var client = Open();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var asking = client.GetResponseAsync("hello", cancellationToken: patience.Token);
        await Eventually.Async(() => Task.FromResult(_server.Record.Chats.Count == 1));

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public async Task The_stand_in_talks_in_lines_too()
    {
        _server.Behaviour.Say = static _ => "one two three";
        using var client = new OllamaApiClient(_server.Url, "llama3.2");

        var updates = await ((IChatClient)client).GetStreamingResponseAsync("hello", cancellationToken: Ct).ToListAsync(Ct);

        Assert.Equal("one two three", string.Concat(updates.Select(u => u.Text)));
        Assert.True(updates.Count > 2);
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
    }
}
