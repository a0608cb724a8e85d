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
        NewMemory memory;
        try
        {
            memory = WireText.Read<NewMemory>(json);
        }
        catch (JsonException e)
        {
            var (field, message) = JsonProblems.Describe(e);
            return new BatchItem(null, new BatchItemError(JsonProblems.CodeOf(e), field == JsonProblems.Body ? null : field, message));
        }

        var errors = new FieldErrors();
        if (MemoryInput.Read(memory, now, errors) is { } draft)
        {
            return new BatchItem(draft, null);
        }

        var (first, said) = errors.First;
        return new BatchItem(null, new BatchItemError(ErrorCodes.InvalidRequest, first, said));
    }

    public static BatchItem TooLarge(int limit) =>
        new(null, new BatchItemError(ErrorCodes.TooLarge, null, FormattableString.Invariant($"The line is longer than {limit:N0} bytes.")));
}
