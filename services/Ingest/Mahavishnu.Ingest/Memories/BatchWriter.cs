using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Ingest;

/// <summary>Makes batch writers; one serves one request.</summary>
internal sealed class BatchWriters(MemoryWriteStore memories, IOptions<IngestOptions> options, TimeProvider time, ILogger<BatchWriter> logger)
{
    public BatchWriter Begin(WriteMode mode) => new(memories, options.Value.RowsPerTransaction, mode, time.GetUtcNow(), logger);
}

/// <summary>Collects items, writes them a transaction's worth at a time, and remembers what became of each.</summary>
internal sealed partial class BatchWriter(MemoryWriteStore memories, int rows, WriteMode mode, DateTimeOffset now, ILogger<BatchWriter> logger)
{
    // Characters of content in one transaction, so that a batch of long texts does not pile up.
    private const long MostCharacters = 8 * 1024 * 1024;

    private readonly List<BatchItemResult?> _results = [];
    private readonly List<(int Index, MemoryDraft Draft)> _waiting = [];
    private long _characters;

    /// <summary>Items taken so far.</summary>
    public int Count => _results.Count;

    public ValueTask AddAsync(ReadOnlySpan<byte> json, CancellationToken ct) => AddAsync(BatchItem.Read(json, now), ct);

    public async ValueTask AddAsync(BatchItem item, CancellationToken ct)
    {
        var index = _results.Count;
        if (item.Draft is not { } draft)
        {
            _results.Add(new BatchItemResult(index, null, "error", item.Error));
            return;
        }

        _results.Add(null);
        _waiting.Add((index, draft));
        _characters += draft.Content.Length;
        if (_waiting.Count >= rows || _characters >= MostCharacters)
        {
            await FlushAsync(ct);
        }
    }

    public async Task<BatchResult> EndAsync(CancellationToken ct)
    {
        await FlushAsync(ct);
        int Of(string status) => _results.Count(r => r!.Status == status);
        return new BatchResult(_results!, new BatchCounts(Of("created"), Of("duplicate"), Of("updated"), Of("error")));
    }

    private async Task FlushAsync(CancellationToken ct)
    {
        if (_waiting.Count > 0)
        {
            await WriteAsync(_waiting, ct);
            _waiting.Clear();
            _characters = 0;
        }
    }

    private async Task WriteAsync(List<(int Index, MemoryDraft Draft)> items, CancellationToken ct)
    {
        try
        {
            var outcomes = await memories.WriteAsync([.. items.Select(i => i.Draft)], mode, ct);
            foreach (var ((index, _), outcome) in items.Zip(outcomes))
            {
                _results[index] = Result(index, outcome);
            }
        }
        catch (PostgresException e) when (IsAboutTheData(e))
        {
            // Something no check here foresaw: halve until it stands alone, so that it fails nobody else.
            if (items.Count > 1)
            {
                await WriteAsync(items[..(items.Count / 2)], ct);
                await WriteAsync(items[(items.Count / 2)..], ct);
                return;
            }

            Unforeseen(logger, e);
            _results[items[0].Index] = new BatchItemResult(items[0].Index, null, "error", new BatchItemError(ErrorCodes.InvalidRequest, null, $"The memory cannot be stored: {e.MessageText}"));
        }
    }

    private static BatchItemResult Result(int index, WriteOutcome outcome) => outcome.Status switch
    {
        WriteStatus.Created => new BatchItemResult(index, outcome.Id, "created"),
        WriteStatus.Duplicate => new BatchItemResult(index, outcome.Id, "duplicate"),
        WriteStatus.Updated => new BatchItemResult(index, outcome.Id, "updated"),
        var refused => new BatchItemResult(
            index, null, "error", new BatchItemError(refused == WriteStatus.Missing ? ErrorCodes.NotFound : ErrorCodes.Conflict, outcome.Field, outcome.Reason!)),
    };

    // 22: data exceptions; 54: a value beyond what the server can hold.
    private static bool IsAboutTheData(PostgresException e) => e.SqlState[..2] is "22" or "54";

    [LoggerMessage(Level = LogLevel.Warning, Message = "A memory of a batch was refused by the database")]
    private static partial void Unforeseen(ILogger logger, Exception exception);
}
