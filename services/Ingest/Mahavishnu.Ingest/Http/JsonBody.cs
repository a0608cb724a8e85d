using System.Reflection;
using System.Text.Json;
using System.Text.Unicode;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Mahavishnu.Ingest;

/// <summary>A request's JSON, read strictly, with lone surrogates mended: texts cut in the middle of an emoji are what clients really send.</summary>
/// <param name="Text">The body as it was read, for those who must know which properties were given.</param>
internal sealed record JsonBody<T>(T Value, ReadOnlyMemory<byte> Text) : IEndpointParameterMetadataProvider
{
    public static async ValueTask<JsonBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        RequestBody.RequireJson(context.Request);
        var text = await RequestBody.ReadAsync(context.Request, context.RequestAborted);
        return new JsonBody<T>(WireText.Read<T>(text.Span), text);
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(
            builder.Metadata.OfType<IHttpMethodMetadata>().Any(m => m.HttpMethods.Contains(HttpMethods.Patch, StringComparer.Ordinal)) ? [RequestBody.Json, RequestBody.MergePatch] : [RequestBody.Json], typeof(T)));
}

/// <summary>Bodies as bytes: their kind, and all of them at once where they are small enough.</summary>
internal static class RequestBody
{
    public const string Json = "application/json";
    public const string NdJson = "application/x-ndjson";
    public const string MergePatch = "application/merge-patch+json";

    // What a client says it will send is not yet sent.
    private const int MostReservedAhead = 1024 * 1024;

    /// <summary>The body where there is one: a call whose every property is optional may come without.</summary>
    public static async Task<T?> OptionalAsync<T>(HttpRequest request, CancellationToken ct) where T : class
    {
        if (request.ContentType is null && request.ContentLength is null or 0)
        {
            return null;
        }

        RequireJson(request);
        // Many clients say what kind of body it would be even where they send none.
        return await ReadAsync(request, ct) is { IsEmpty: false } text ? WireText.Read<T>(text.Span) : null;
    }

    public static void RequireJson(HttpRequest request)
    {
        var type = MediaType(request);
        if (type != Json && !(type == MergePatch && HttpMethods.IsPatch(request.Method)))
        {
            throw new BadHttpRequestException("Not JSON.", StatusCodes.Status415UnsupportedMediaType);
        }
    }

    /// <summary>The media type in lower case, "" where none is given.</summary>
    /// <exception cref="BadHttpRequestException">Another charset than UTF-8.</exception>
    public static string MediaType(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            return "";
        }

        if (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase))
        {
            throw new BadHttpRequestException("Not UTF-8.", StatusCodes.Status415UnsupportedMediaType);
        }

        return type.MediaType.Value?.ToLowerInvariant() ?? "";
    }

    /// <summary>The whole body, without a byte order mark and mended. Its size is bounded by the route's limit.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        using var buffer = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 0, 0, MostReservedAhead));
        await request.Body.CopyToAsync(buffer, ct);
        return WireText.Clean(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
    }
}

/// <summary>JSON as bytes, on its way to values.</summary>
internal static class WireText
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Drops a byte order mark and turns each escaped lone surrogate (<c>\ud83d</c> without its other half) into <c>\ufffd</c>, in place.</summary>
    public static ReadOnlyMemory<byte> Clean(Memory<byte> json)
    {
        if (json.Span.StartsWith(ByteOrderMark))
        {
            json = json[ByteOrderMark.Length..];
        }

        Mend(json.Span);
        return json;
    }

    /// <exception cref="JsonException">Not JSON, not of this shape, or not Unicode; the path names the field.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json)
    {
        var value = JsonSerializer.Deserialize<T>(json, WireJson.Strict) ?? throw new JsonException("The value must be an object.");
        // Strings that were read are valid; what is kept raw (metadata) has not been looked at.
        return Utf8.IsValid(json) ? value : throw new JsonException("The text is not valid UTF-8.");
    }

    private static void Mend(Span<byte> json)
    {
        // In JSON a backslash occurs in strings only, so nothing else needs to be understood.
        while (json.IndexOf((byte)'\\') is >= 0 and var at && at + 1 < json.Length)
        {
            json = json[at..];
            var length = 2;
            if (Unit(json) is { } unit && char.IsSurrogate(unit))
            {
                var paired = char.IsHighSurrogate(unit) && json.Length >= 12 && Unit(json[6..]) is { } next && char.IsLowSurrogate(next);
                if (!paired)
                {
                    "\\ufffd"u8.CopyTo(json);
                }

                length = paired ? 12 : 6;
            }

            json = json[length..];
        }
    }

    /// <summary>The UTF-16 unit of an escape <c>\uXXXX</c> at the start, if there is one.</summary>
    private static char? Unit(ReadOnlySpan<byte> json) =>
        json.Length >= 6 && json[0] == '\\' && json[1] == 'u'
        && ushort.TryParse(json[2..6], System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var unit)
            ? (char)unit
            : null;
}
