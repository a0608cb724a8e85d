using System.Threading.Channels;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Migration;

/// <summary>
/// One run of an import: open the files → begin, or go on where the last run was stopped → table by table, reading ahead of writing by one batch → verify → report.
/// </summary>
internal sealed class ImportRunner(
    AllowedRoots roots, ImportStore store, ImportRowStore rows, DryRunStore dry, ImportVerifier verifier, IOptions<ImportOptions> options, TimeProvider time)
{
    private const string Unit = "rows";

    public async Task<ImportReport> RunAsync(OperationRun run, ImportInput input, CancellationToken ct)
    {
        run.Report(0, null, Unit, "opening");
        var clock = new Clock(time);
        var sources = await ImportSources.OpenAsync(input, roots, time.GetUtcNow(), time, ct);
        try
        {
            if (input.DryRun)
            {
                await using var books = await dry.OpenAsync(ct);
                return Report(null, await ImportAsync(run, sources, sources.States, books, clock, ct), input, null, 0);
            }

            var begun = await store.BeginAsync(run.Id, sources.Fingerprint(input), input, sources.States, ct);
            using var activity = ImportTelemetry.Start(begun.Id);
            if (begun.StartedAt != sources.ImportedAt)
            {
                sources = await ReopenAsync(sources, input, begun, ct);
            }

            var files = await ImportAsync(run, sources, begun.Files, rows, clock, ct);
            var verification = input.Verify ?? sources.Bytes <= options.Value.VerifyBytes ? await verifier.RunAsync(run, sources, files, ct) : null;
            await store.CompleteAsync(begun.Id, verification, ct);
            return Report(begun.Id, files, input, verification, await store.PendingAsync(begun.Id, ct));
        }
        catch (SourceFileException e)
        {
            throw new OperationFailedException(ErrorCodes.UnreadableSource, $"{e.Message} What was imported before stays; importing the file again goes on with it.");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DiskFull)
        {
            throw new OperationFailedException(ErrorCodes.DatabaseUnavailable, "The disk of the database is full. What was imported before stays; importing the same again goes on with it.");
        }
        finally
        {
            await sources.DisposeAsync();
        }
    }

    /// <summary>With the time at which the import began: a row without one must get the same whichever run reads it.</summary>
    private async Task<ImportSources> ReopenAsync(ImportSources before, ImportInput input, ImportBegun begun, CancellationToken ct)
    {
        await before.DisposeAsync();
        var sources = await ImportSources.OpenAsync(input, roots, begun.StartedAt, time, ct);
        if (!sources.Fingerprint(input).AsSpan().SequenceEqual(before.Fingerprint(input)))
        {
            await sources.DisposeAsync();
            throw new OperationFailedException(ErrorCodes.Conflict, "A file changed while it was being opened. Import it again.");
        }

        return sources;
    }

    private async Task<IReadOnlyList<FileState>> ImportAsync(
        OperationRun run, ImportSources sources, IReadOnlyList<FileState> files, IImportTarget target, Clock clock, CancellationToken ct)
    {
        var total = files.SelectMany(f => f.Tables).Sum(t => Math.Max(t.Rows, t.Counts.Read));
        var done = files.SelectMany(f => f.Tables).Sum(t => t.Counts.Read);
        run.Report(done, total, Unit);
        var states = new List<FileState>();
        foreach (var file in files)
        {
            var tables = new List<TableState>();
            foreach (var table in file.Tables)
            {
                tables.Add(table.Finished ? table : await ImportTableAsync(sources.File(file.Number), table, target, clock, Progress, ct));

                void Progress(long read) => run.Report(done += read, total, Unit, $"{Path.GetFileName(file.Path)}: {table.Name}");
            }

            states.Add(file with { Tables = tables });
        }

        return states;
    }

    private async Task<TableState> ImportTableAsync(SourceFile file, TableState table, IImportTarget target, Clock clock, Action<long> progress, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var batches = Channel.CreateBounded<ImportBatch>(1);
        var source = file.Tables.Single(t => t.Role != SourceRole.Skipped && string.Equals(t.Name, table.Name, StringComparison.Ordinal));
        // A database file is read without waiting for anything: not on the thread that writes.
        var reading = Task.Run(() => ReadAsync(file, source, table.Cursor, batches.Writer, stop.Token), CancellationToken.None);
        try
        {
            progress(0);
            await foreach (var batch in batches.Reader.ReadAllAsync(ct))
            {
                table = await TakeAsync(target, table, batch, clock, ct);
                progress(batch.Rows.Count);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }

        return await target.FinishAsync(table, clock.Lap(), ct);
    }

    private async Task ReadAsync(SourceFile file, SourceTable source, long after, ChannelWriter<ImportBatch> batches, CancellationToken ct)
    {
        try
        {
            var batch = new ImportBatch(after);
            await foreach (var row in file.ReadAsync(source, after, ct))
            {
                batch.Add(row);
                if (batch.IsFull(options.Value))
                {
                    await batches.WriteAsync(batch, ct);
                    batch = new ImportBatch(batch.Last);
                }
            }

            if (batch.Rows.Count > 0)
            {
                await batches.WriteAsync(batch, ct);
            }

            batches.Complete();
        }
        catch (Exception e)
        {
            // It is thrown where the batches are taken.
            batches.Complete(e);
        }
    }

    /// <summary>Writes a batch. Rows that the database refuses are found by halving, and rejected: one of them must not hold up the others.</summary>
    private static async Task<TableState> TakeAsync(IImportTarget target, TableState table, ImportBatch batch, Clock clock, CancellationToken ct)
    {
        try
        {
            return await target.WriteAsync(table, batch, clock.Lap(), ct);
        }
        catch (PostgresException e) when (IsOfTheRows(e) && batch.Rows is not [RejectedRow])
        {
            if (batch.Rows is [var row])
            {
                var rejected = new ImportBatch(batch.After);
                rejected.Add(Refused.Of(row, $"The database does not take it: {e.MessageText}."));
                return await target.WriteAsync(table, rejected, clock.Lap(), ct);
            }

            var (first, second) = batch.Split();
            return await TakeAsync(target, await TakeAsync(target, table, first, clock, ct), second, clock, ct);
        }
    }

    // data_exception (a time out of range, a broken text) and program_limit_exceeded (a name too long for an index).
    private static bool IsOfTheRows(PostgresException e) => e.SqlState.StartsWith("22", StringComparison.Ordinal) || e.SqlState.StartsWith("54", StringComparison.Ordinal);

    private static ImportReport Report(Guid? id, IReadOnlyList<FileState> files, ImportInput input, ImportVerification? verification, long pending) => new()
    {
        ImportId = id,
        Files = ImportReporting.Files(files, input.TimeZone),
        Total = ImportReporting.Total(files),
        Verified = ImportReporting.Holds(verification),
        Verification = verification,
        PendingEmbeddings = pending,
        Seconds = ImportReporting.Seconds(files),
    };

    /// <summary>Time from one batch to the next.</summary>
    private sealed class Clock(TimeProvider time)
    {
        private long _since = time.GetTimestamp();

        public double Lap()
        {
            var (before, now) = (_since, time.GetTimestamp());
            _since = now;
            return time.GetElapsedTime(before, now).TotalSeconds;
        }
    }
}
