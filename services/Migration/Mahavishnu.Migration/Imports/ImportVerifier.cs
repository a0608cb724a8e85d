using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Migration;

/// <summary>Reads source and target again and compares them: every row is a memory with its hash and time, an object, or a reject.</summary>
internal sealed class ImportVerifier(VerificationStore store, IOptions<ImportOptions> options)
{
    private const int MostDifferences = 100;

    public async Task<ImportVerification> RunAsync(OperationRun run, ImportSources sources, IReadOnlyList<FileState> files, CancellationToken ct)
    {
        var total = files.SelectMany(f => f.Tables).Sum(t => t.Counts.Read);
        var (seen, good) = (0L, 0L);
        var differences = new List<string>();
        foreach (var file in files)
        {
            foreach (var table in file.Tables)
            {
                var rows = 0L;
                await foreach (var batch in BatchesAsync(sources.File(file.Number), table, ct))
                {
                    run.Report(seen, total, "rows", $"verifying {Path.GetFileName(file.Path)}: {table.Name}");
                    var wrong = await store.CompareAsync(table.Key, batch.Rows, ct);
                    differences.AddRange(wrong.Take(MostDifferences - differences.Count).Select(d => string.Create(CultureInfo.InvariantCulture, $"{file.Path}: {table.Name}, row {d.Row}: {d.What}")));
                    rows += batch.Rows.Count;
                    seen += batch.Rows.Count;
                    good += batch.Rows.Count - wrong.Count;
                }

                if (rows != table.Counts.Read || rows != table.Rows)
                {
                    differences.Add(string.Create(CultureInfo.InvariantCulture, $"{file.Path}: {table.Name} has {table.Rows} rows; {table.Counts.Read} were imported and {rows} verified."));
                }
            }
        }

        run.Report(seen, total, "rows");
        return new ImportVerification(seen, good, differences);
    }

    private async IAsyncEnumerable<ImportBatch> BatchesAsync(SourceFile file, TableState table, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var source = file.Tables.Single(t => t.Role != SourceRole.Skipped && string.Equals(t.Name, table.Name, StringComparison.Ordinal));
        var batch = new ImportBatch(0);
        await foreach (var row in file.ReadAsync(source, 0, ct))
        {
            batch.Add(row);
            if (batch.IsFull(options.Value))
            {
                yield return batch;
                batch = new ImportBatch(batch.Last);
            }
        }

        if (batch.Rows.Count > 0)
        {
            yield return batch;
        }
    }
}
