using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Mahavishnu.Contracts;

/// <summary>A failure that the server explained (RFC 9457), or the bare status where it did not.</summary>
/// <param name="status">HTTP status code.</param>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="detail">What went wrong, for a person.</param>
/// <param name="errors">Field → messages.</param>
public sealed class ApiException(int status, string code, string detail, IReadOnlyDictionary<string, string[]> errors) : Exception(Describe(detail, errors))
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public IReadOnlyDictionary<string, string[]> Errors { get; } = errors;

    private static string Describe(string detail, IReadOnlyDictionary<string, string[]> errors) =>
        errors.Count == 0 ? detail : string.Join(' ', errors.Select(e => $"{e.Key}: {string.Join(' ', e.Value)}"));
}

/// <summary>A problem document as clients read it.</summary>
internal sealed record ProblemDocument(string? Title, string? Detail, int? Status, string? Code, Dictionary<string, string[]>? Errors);

/// <summary>What the typed clients share: the wire's JSON, and problems as <see cref="ApiException"/>.</summary>
internal static class ApiHttp
{
    public static async Task<T> SendAsync<T>(this HttpClient http, HttpMethod method, string path, object? body, CancellationToken ct, EntityTagHeaderValue? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, Resources.Api + path);
        if (body is not null)
        {
            request.Content = JsonContent.Create(body, body.GetType(), options: WireJson.Lenient);
        }

        if (ifMatch is not null)
        {
            request.Headers.IfMatch.Add(ifMatch);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        await ThrowIfProblemAsync(response, ct);
        return (await response.Content.ReadFromJsonAsync<T>(WireJson.Lenient, ct))!;
    }

    public static async Task SendAsync(this HttpClient http, HttpMethod method, string path, CancellationToken ct, EntityTagHeaderValue? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, Resources.Api + path);
        if (ifMatch is not null)
        {
            request.Headers.IfMatch.Add(ifMatch);
        }

        using var response = await http.SendAsync(request, ct);
        await ThrowIfProblemAsync(response, ct);
    }

    public static async Task ThrowIfProblemAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var status = (int)response.StatusCode;
        ProblemDocument? problem = null;
        try
        {
            problem = await response.Content.ReadFromJsonAsync<ProblemDocument>(WireJson.Lenient, ct);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            // Not ours: a proxy's page or nothing at all. The status says what is known.
        }

        throw new ApiException(
            status,
            problem?.Code ?? ErrorCodes.Internal,
            problem?.Detail ?? problem?.Title ?? $"The server answered {status} {response.ReasonPhrase}.",
            problem?.Errors ?? []);
    }

    public static string Query(params (string Name, string? Value)[] parameters)
    {
        var given = parameters.Where(p => p.Value is not null).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}").ToList();
        return given.Count == 0 ? "" : "?" + string.Join('&', given);
    }
}
