using System.Net;
using System.Text.Json;
using Mahavishnu.Contracts;
using OllamaSharp.Models.Exceptions;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Mahavishnu.Embeddings;

/// <summary>Whatever can go wrong between here and a model, as one of <see cref="EmbeddingReasons"/>.</summary>
internal static class OllamaErrors
{
    // A server before it is full, one that truncates by batch size, and the process behind it say it differently.
    private static readonly string[] TooLong = ["context length", "exceed_context_size", "too large to process", "physical batch size"];
    private static readonly string[] NotNumbers = ["NaN", "Inf values", "unsupported value"];

    // "do embedding request: Post \"http://127.0.0.1:43117/v1/embeddings\": EOF" comes as a 400, and is no fault of the text as far as anybody knows.
    private static readonly string[] Runner = ["do embedding request", "error reading embed response", "unexpected server status", "runner process"];

    /// <summary>Whether the same call can go well a moment later, with nothing wrong about it.</summary>
    public static bool IsPassing(Exception e) => e switch
    {
        HttpRequestException { StatusCode: null } or IOException => true,
        HttpRequestException http => IsPassing(http.StatusCode),
        _ => false,
    };

    /// <summary>Whether nothing came in time: neither a connection nor an answer.</summary>
    public static bool IsTooLate(Exception e) => e is TimeoutRejectedException or OperationCanceledException { InnerException: TimeoutException };

    public static EmbeddingModelException Translate(Exception e, EmbeddingSettings settings, string model) => e switch
    {
        EmbeddingModelException known => known,
        BrokenCircuitException { InnerException: { } last } =>
            new EmbeddingModelException(EmbeddingReasons.ModelAway, $"{Translate(last, settings, model).Message} It is left alone for a moment.", inner: e),
        TimeoutRejectedException timeout => Away(settings, FormattableString.Invariant($"did not answer within {timeout.Timeout.TotalSeconds} s"), e),
        OperationCanceledException { InnerException: TimeoutException } => Away(settings, "does not take a connection", e),
        HttpRequestException { StatusCode: null, HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => Away(settings, "does not answer", e),
        HttpRequestException { StatusCode: null } or IOException => Away(settings, "cut the connection", e),
        OllamaRefusal refusal => Translate(refusal, settings, model),
        JsonException or NullReferenceException or InvalidOperationException =>
            new EmbeddingModelException(EmbeddingReasons.BadAnswer, $"{settings.Server} gave an answer for {model} that cannot be read: {FirstLine(e.Message)}", inner: e),
        // A pull's error comes in a line of its own.
        OllamaException => Missing(model, e.Message, e),
        _ => new EmbeddingModelException(EmbeddingReasons.ModelError, $"{settings.Server} failed: {FirstLine(e.Message)}", inner: e),
    };

    /// <summary>The provider does not have the model.</summary>
    /// <param name="onItsWay">It is being downloaded, or waits for its turn.</param>
    public static EmbeddingModelException Missing(string model, string message, Exception? inner = null, bool onItsWay = false) =>
        new(EmbeddingReasons.ModelMissing, message, $"ollama pull {model}", inner) { OnItsWay = onItsWay };

    /// <summary>Something answers, but it is something else.</summary>
    public static EmbeddingModelException NotOllama(EmbeddingSettings settings, Exception? inner) =>
        new(EmbeddingReasons.ModelAway, $"{settings.Server} answers, but not as Ollama does: is it the right address?", inner: inner);

    private static bool IsPassing(HttpStatusCode? status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static EmbeddingModelException Translate(OllamaRefusal refusal, EmbeddingSettings settings, string model)
    {
        var status = (int)refusal.StatusCode!;
        var says = refusal.Message;
        if (IsPassing(refusal.StatusCode))
        {
            return Away(settings, $"cannot take a call now ({status}: {says})", refusal);
        }

        if (refusal.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired)
        {
            return Away(settings, $"refuses access ({status})", refusal);
        }

        if (refusal.StatusCode == HttpStatusCode.NotFound || (!refusal.Said && status is >= 300 and < 400))
        {
            return refusal.Said ? Missing(model, $"{settings.Server} does not have the model {model}.", refusal) : NotOllama(settings, refusal);
        }

        if (Says(says, NotNumbers))
        {
            return new EmbeddingModelException(EmbeddingReasons.NotFinite, $"{model} computed something that is not a number: {says}", inner: refusal);
        }

        if (Says(says, TooLong) || refusal.StatusCode == HttpStatusCode.RequestEntityTooLarge)
        {
            return new EmbeddingModelException(EmbeddingReasons.TextRefused, $"The text is too long for {model}: {says}", inner: refusal) { TooLong = true };
        }

        return status >= 500 || Says(says, Runner)
            ? new EmbeddingModelException(EmbeddingReasons.ModelError, $"{settings.Server} failed over {model} ({status}): {says}", inner: refusal)
            : new EmbeddingModelException(EmbeddingReasons.TextRefused, $"{model} refused the text ({status}): {says}", inner: refusal);
    }

    private static EmbeddingModelException Away(EmbeddingSettings settings, string does, Exception e) =>
        new(EmbeddingReasons.ModelAway, $"{settings.Server} {does}.", inner: e);

    private static bool Says(string message, string[] words) => Array.Exists(words, w => message.Contains(w, StringComparison.OrdinalIgnoreCase));

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd('\r');
}
