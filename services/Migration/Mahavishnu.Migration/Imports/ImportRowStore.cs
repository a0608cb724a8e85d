using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>Where an import's rows go: into the database, or (dry run) only through the books.</summary>
internal interface IImportTarget
{
    /// <summary>Takes the rows of a batch, as a whole or not at all.</summary>
    /// <param name="seconds">Work since the last batch.</param>
    /// <returns>The table's state behind them.</returns>
    Task<TableState> WriteAsync(TableState table, ImportBatch batch, double seconds, CancellationToken ct);

    /// <summary>Marks a table as read to its end.</summary>
    Task<TableState> FinishAsync(TableState table, double seconds, CancellationToken ct);
}

/// <summary>What became of one row.</summary>
/// <param name="Made">It made the memory, or the object where there is no memory.</param>
/// <param name="Object">Kind and id: <c>edge:…</c>.</param>
internal sealed record RowFate(long Row, bool Made, Guid? Memory, string? Object, string? SourceId);

/// <summary>The rows of an import in the database. A batch, what became of each of its rows, and the cursor behind it are one transaction: a run killed at any moment has done whole batches.</summary>
internal sealed partial class ImportRowStore(NpgsqlDataSource db, TenantScope tenant, MemoryWriteStore memories, ObjectStore objects, EmbeddingSignal signal, StorageTelemetry storage, ImportTelemetry telemetry) : IImportTarget
{
    public async Task<TableState> WriteAsync(TableState table, ImportBatch batch, double seconds, CancellationToken ct)
    {
        var stored = new List<(string, WriteStatus)>();
        var (state, counts) = await TransientRetry.RunAsync(
            async token =>
            {
                stored.Clear();
                await using var connection = await db.OpenConnectionAsync(token);
                await using var transaction = await connection.BeginTransactionAsync(token);
                if (await CursorAsync(transaction, table.Key, token) is var cursor && cursor != batch.After)
                {
                    // An earlier attempt was committed and its answer lost; or two are at work on one import, which must not be.
                    return cursor == batch.Last
                        ? (await ReadAsync(transaction, table, token), new TableCounts())
                        : throw new OperationFailedException(Contracts.ErrorCodes.Conflict, $"Another operation is importing {table.Name}.");
                }

                var written = await WriteRowsAsync(transaction, table.Key, batch.Rows, stored, token);
                await MoveAsync(transaction, table.Key, batch.Last, written, seconds, token);
                var now = await ReadAsync(transaction, table, token);
                await transaction.CommitAsync(token);
                return (now, written);
            },
            ct);
        signal.Raise();
        storage.Stored(stored);
        telemetry.Count(counts);
        return state;
    }

    public async Task<TableState> FinishAsync(TableState table, double seconds, CancellationToken ct)
    {
        await using var command = db.CreateCommand("UPDATE import_tables SET finished = true, seconds = seconds + $5 WHERE tenant_id = $1 AND import_id = $2 AND file_number = $3 AND number = $4");
        command.Parameters.AddRange(Key(table.Key));
        command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = seconds });
        await command.ExecuteNonQueryAsync(ct);
        return table with { Finished = true, Seconds = table.Seconds + seconds };
    }

    private async Task<TableCounts> WriteRowsAsync(NpgsqlTransaction transaction, TableKey key, IReadOnlyList<SourceRow> rows, List<(string, WriteStatus)> stored, CancellationToken ct)
    {
        var fates = new List<RowFate>(rows.Count);
        var rejects = rows.OfType<RejectedRow>().ToList();
        var counts = new TableCounts { Imported = rows.OfType<JoinedRow>().LongCount() };
        counts += await WriteTextsAsync(transaction, key, [.. rows.OfType<TextRow>()], fates, stored, ct);
        counts += await WriteEdgesAsync(transaction, key, [.. rows.OfType<EdgeRow>()], fates, rejects, stored, ct);
        counts += Count(await objects.WriteAsync(transaction, key, rows, ct), fates);
        await KeepAsync(transaction, key, fates, ct);
        await RejectAsync(transaction, key, rejects, ct);
        return counts + new TableCounts { Rejected = rejects.Count };
    }

    private static TableCounts Count(IReadOnlyCollection<RowFate> written, List<RowFate> fates)
    {
        fates.AddRange(written);
        return new TableCounts { Imported = written.Count(f => f.Made), Duplicate = written.Count(f => !f.Made) };
    }

    private async Task<TableCounts> WriteTextsAsync(NpgsqlTransaction transaction, TableKey key, IReadOnlyList<TextRow> rows, List<RowFate> fates, List<(string, WriteStatus)> stored, CancellationToken ct)
    {
        var outcomes = await StoreAsync(transaction, key.Import, [.. rows.Select(r => r.Draft)], stored, ct);
        return Count([.. rows.Zip(outcomes, (row, outcome) => new RowFate(row.Number, outcome.Status == WriteStatus.Created, outcome.Id, null, row.SourceId))], fates);
    }

    private async Task<TableCounts> WriteEdgesAsync(
        NpgsqlTransaction transaction, TableKey key, IReadOnlyList<EdgeRow> rows, List<RowFate> fates, List<RejectedRow> rejects, List<(string, WriteStatus)> stored, CancellationToken ct)
    {
        if (rows.Count == 0)
        {
            return new TableCounts();
        }

        var there = await objects.WriteEndsAsync(transaction, key.Import, rows, ct);
        var whole = rows.Where(r => there.Contains(r.Edge.From) && there.Contains(r.Edge.To)).ToList();
        rejects.AddRange(rows.Except(whole).Select(r => Refused.Of(r, $"There is no entity {(there.Contains(r.Edge.From) ? r.Edge.To : r.Edge.From)}.")));
        var outcomes = await StoreAsync(transaction, key.Import, [.. whole.Select(r => r.Sentence)], stored, ct);
        var made = await objects.WriteEdgesAsync(transaction, key.Import, [.. whole.Zip(outcomes, (row, outcome) => (row.Edge, outcome.Id))], ct);
        var counts = new TableCounts();
        foreach (var (row, outcome) in whole.Zip(outcomes))
        {
            var isNew = made.Remove(row.Edge.Id);
            var sentence = outcome.Status == WriteStatus.Created;
            fates.Add(new RowFate(row.Number, sentence, outcome.Id, ObjectStore.Name(ObjectStore.Edge, row.Edge.Id), null));
            if (row.ByName)
            {
                // By id, as the source counts, it leads nowhere; the name says where it was meant to.
                rejects.Add(Refused.Of(row, "An end is a name where an id belongs; the edge was taken over by the name."));
                counts += new TableCounts { ByName = 1 };
                continue;
            }

            counts += new TableCounts { Imported = isNew ? 1 : 0, Duplicate = isNew ? 0 : 1, SentencesImported = sentence ? 1 : 0, SentencesDuplicate = sentence ? 0 : 1 };
        }

        return counts;
    }

    /// <summary>Through the one write path. A key that comes twice in the batch is written in as many waves, so that what the later ones say differently is kept as that of any duplicate.</summary>
    private async Task<WriteOutcome[]> StoreAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<MemoryDraft> drafts, List<(string, WriteStatus)> stored, CancellationToken ct)
    {
        var outcomes = new WriteOutcome[drafts.Count];
        var waves = drafts.Index().GroupBy(d => d.Item.DedupeKey, StringComparer.Ordinal).SelectMany(g => g.Select((d, wave) => (wave, d.Index))).GroupBy(d => d.wave, d => d.Index).OrderBy(g => g.Key);
        foreach (var wave in waves)
        {
            int[] some = [.. wave.Order()];
            var written = await memories.WriteAsync(transaction, [.. some.Select(i => drafts[i] with { ImportId = import })], WriteMode.Insert, ct);
            foreach (var (i, outcome) in some.Zip(written))
            {
                outcomes[i] = outcome.Status == WriteStatus.Conflict ? throw new InvalidOperationException($"A memory could not be stored: {outcome.Reason}") : outcome;
            }
        }

        stored.AddRange(drafts.Zip(outcomes, (draft, outcome) => (draft.Type, outcome.Status)));
        await HoldAsync(transaction, [.. outcomes.Where(o => o.Status != WriteStatus.Created).Select(o => o.Id).Distinct()], ct);
        return outcomes;
    }

    /// <summary>Holds on to memories that were there, until the commit: an undo of another import must see that this one brought them, too.</summary>
    private async Task HoldAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        if (ids.Length == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand("SELECT count(*) FROM (SELECT FROM memories WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR KEY SHARE) AS held", transaction.Connection, transaction);
        command.Parameters.AddRange(new NpgsqlParameter[] { Text(tenant.Current), new NpgsqlParameter<Guid[]> { TypedValue = ids } });
        if ((long)(await command.ExecuteScalarAsync(ct))! != ids.Length)
        {
            throw new NpgsqlException("A memory vanished while a row was found to repeat it.", new IOException("Write again."));
        }
    }
}
