using Mahavishnu.Embeddings;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The language model that reads messages for insights, if the settings name one.</summary>
internal sealed class InsightModel : IDisposable
{
    // What the instructions and the form of the answer take, roughly.
    private const int InstructionTokens = 700;

    private readonly InsightModelOptions _options;
    private readonly InsightOptions _insights;
    private readonly IChatClient? _client;

    public InsightModel(IConfiguration configuration, IOptions<InsightModelOptions> options, IOptions<InsightOptions> insights, TimeProvider time)
    {
        (_options, _insights) = (options.Value, insights.Value);
        Name = string.IsNullOrWhiteSpace(_options.Name) ? null : _options.Name.Trim();
        _client = Name is null
            ? null
            : OllamaChat.Open(configuration, new ChatModel(Name, _options.Url, $"{InsightModelOptions.Section}:{nameof(InsightModelOptions.Url)}", TimeSpan.FromSeconds(_options.TimeoutSeconds)), time);
    }

    /// <summary>Null: there is none.</summary>
    public string? Name { get; }

    /// <summary>Whether a message is worth a call.</summary>
    public bool Wants(string content) => Name is not null && content.Length >= _options.LeastCharacters && Text(content).Length >= _options.LeastCharacters;

    /// <summary>Of messages, in order, as many as go into one call: one at least. Those that have nothing to read are left out.</summary>
    /// <returns>What is shown, and how many of the messages that takes care of.</returns>
    public (IReadOnlyList<ShownMessage> Shown, int Taken) Show(IReadOnlyList<SaidMessage> messages)
    {
        var (shown, room) = (new List<ShownMessage>(), _options.CharactersPerCall);
        for (var i = 0; i < messages.Count; i++)
        {
            if (!Wants(messages[i].Content))
            {
                continue;
            }

            var text = InsightPrompt.Cut(Text(messages[i].Content), _options.CharactersPerCall);
            if (text.Length > room)
            {
                return (shown, i);
            }

            room -= text.Length;
            shown.Add(new ShownMessage(messages[i], text));
        }

        return (shown, messages.Count);
    }

    /// <summary>Asks the model.</summary>
    /// <exception cref="ChatModelException">It could not be asked, or did not answer as it should.</exception>
    public async Task<ReadAnswer> ReadAsync(IReadOnlyList<ShownMessage> shown, CancellationToken ct)
    {
        var answer = await _client!.GetResponseAsync(InsightPrompt.Messages(shown), Options(shown.Count), ct);
        return InsightAnswer.Read(answer.Text, shown, Name!, _insights.MinConfidence);
    }

    public void Dispose() => _client?.Dispose();

    private ChatOptions Options(int messages) => new()
    {
        ResponseFormat = ChatResponseFormat.ForJsonSchema(InsightPrompt.Schema(messages, _insights.MaxPerCheckpoint)),
        // The same messages, the same insights, as near as a model can.
        Temperature = 0,
        Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
        MaxOutputTokens = Math.Max(512, (_options.ContextTokens - InstructionTokens) / 4),
        AdditionalProperties = new() { ["num_ctx"] = _options.ContextTokens },
    };

    // What is marked is an insight already.
    private static string Text(string content) => InsightBlocks.Without(content).Trim();
}
