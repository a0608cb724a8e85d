using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>One item of a batch: a memory that can be written, or what is wrong with it.</summary>
internal readonly record struct BatchItem(MemoryDraft? Draft, BatchItemError? Error)
{
    public static BatchItem Read(ReadOnlySpan<byte> json, DateTimeOffset now)
    {
        if (ReadJson<NewMemory>(json, out var wrong) is not { } memory)
        {
            return new BatchItem(null, wrong);
        }

        var errors = new FieldErrors();
        if (MemoryInput.Read(memory, now, errors) is { } draft)
        {
            return new BatchItem(draft, null);
        }

        return new BatchItem(null, Refused(errors));
    }

    /// <returns>Null where it is no JSON of this shape; <paramref name="wrong"/> says what is wrong.</returns>
    public static T? ReadJson<T>(ReadOnlySpan<byte> json, out BatchItemError? wrong) where T : class
    {
        wrong = null;
        try
        {
            return WireText.Read<T>(json);
        }
        catch (JsonException e)
        {
            var (field, message) = JsonProblems.Describe(e);
            wrong = new BatchItemError(JsonProblems.CodeOf(e), field == JsonProblems.Body ? null : field, message);
            return null;
        }
    }

    /// <summary>The first of several errors: an item has one.</summary>
    public static BatchItemError Refused(FieldErrors errors)
    {
        var (first, said) = errors.First;
        return new BatchItemError(ErrorCodes.InvalidRequest, first, said);
    }

    public static BatchItem TooLarge(int limit) =>
        new(null, new BatchItemError(ErrorCodes.TooLarge, null, FormattableString.Invariant($"The line is longer than {limit:N0} bytes.")));
}
