using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using OllamaSharp;

namespace Mahavishnu.Embeddings;

/// <summary>Opens a model of an Ollama server that answers in words. Nothing here needs one: whoever wants one says which, and goes on where it is away.</summary>
public static class OllamaChat
{
    /// <summary>
    /// A client whose every fault is a <see cref="ChatModelException"/>, and whose answers come whole and bounded. It repeats nothing: whoever asks knows how
    /// long that can wait. The caller disposes it.
    /// </summary>
    /// <exception cref="SettingsException">The address cannot be meant; the message names its key.</exception>
    public static IChatClient Open(IConfiguration configuration, ChatModel model, TimeProvider time)
    {
        var settings = EmbeddingSettings.Read(configuration);
        if (!string.IsNullOrWhiteSpace(model.Url))
        {
            settings = settings with { Url = EmbeddingSettings.Parse(model.UrlKey, model.Url), UrlKey = model.UrlKey };
        }

        var http = new HttpClient(new OllamaAnswers(new BoundedAnswers(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            AllowAutoRedirect = false,
        })))
        {
            BaseAddress = settings.Url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        return new ChatClientBuilder(new OllamaApiClient(http, model.Name))
            .UseOpenTelemetry(sourceName: EmbeddingTelemetry.Name)
            .Use(inner => new ExplainingChat(inner, http, model, settings, time))
            .Build();
    }
}

/// <summary>
/// Reads an answer to its end, up to a size, before anybody looks at it: the client behind reads without regard to time limits, and a model that runs away would fill
/// the memory.
/// </summary>
internal sealed class BoundedAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    internal const int MostBytes = 1024 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        try
        {
            await response.Content.LoadIntoBufferAsync(MostBytes, cancellationToken);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}

/// <summary>Ends calls that take too long, and says what went wrong in our own words.</summary>
internal sealed class ExplainingChat(IChatClient inner, HttpClient http, ChatModel model, EmbeddingSettings settings, TimeProvider time) : DelegatingChatClient(inner)
{
    private const string NoChat = "does not support chat";

    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(model.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await base.GetResponseAsync(messages, options, either.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw limit.IsCancellationRequested
                ? new ChatModelException(ChatReasons.TooLate, FormattableString.Invariant($"{settings.Server} did not answer for {model.Name} within {model.Timeout.TotalSeconds} s."), inner: e)
                : Translate(e);
        }
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("Answers are taken whole.");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            http.Dispose();
        }
    }

    private ChatModelException Translate(Exception e)
    {
        if (e is OllamaRefusal refusal && refusal.Message.Contains(NoChat, StringComparison.Ordinal))
        {
            return new ChatModelException(ChatReasons.ModelMissing, $"{model.Name} is not a model that talks.", "ollama pull llama3.2", e);
        }

        if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded })
        {
            return new ChatModelException(ChatReasons.BadAnswer, FormattableString.Invariant($"{model.Name} answered with more than {BoundedAnswers.MostBytes} bytes."), inner: e);
        }

        var fault = OllamaErrors.Translate(e, settings, model.Name);
        return new ChatModelException(fault.Reason, fault.Message, fault.Hint, e);
    }
}
