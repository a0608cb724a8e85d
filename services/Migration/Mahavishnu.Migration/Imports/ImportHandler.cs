using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>The <c>import</c> operation: files are taken over, or an import is taken back.</summary>
internal sealed class ImportHandler(ImportRunner runner, ImportUndo undo) : IOperationHandler
{
    public string Kind => OperationKinds.Import;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var input = run.Input<ImportInput>();
        return input.Undo is { } import ? await undo.RunAsync(run, import, ct) : await runner.RunAsync(run, input, ct);
    }
}

/// <summary>Takes an import back, step by step. Begun again after a crash it goes on with what is left.</summary>
internal sealed class ImportUndo(UndoStore store)
{
    private const int MostNamed = 100;

    public async Task<ImportUndone> RunAsync(OperationRun run, Guid import, CancellationToken ct)
    {
        var total = await store.BeginAsync(import, run.Id, ct);
        var undone = new ImportUndone { ImportId = import };
        var rows = 0L;
        UndoStep step;
        do
        {
            run.Report(rows, total, "rows", "taking back");
            step = await store.StepAsync(import, ct);
            rows += step.Rows;
            undone = undone with
            {
                Removed = undone.Removed + step.Removed,
                Passed = undone.Passed + step.Passed,
                Kept = undone.Kept + step.Kept.Count,
                KeptMemories = [.. undone.KeptMemories.Concat(step.Kept).Take(MostNamed)],
                ObjectsRemoved = undone.ObjectsRemoved + step.ObjectsRemoved,
            };
        }
        while (step.Done > 0);

        run.Report(rows, total, "rows");
        return undone;
    }
}
