using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>Waits for long work of the service, with a progress bar on standard error.</summary>
internal static class Following
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // A model that restarts is back by then.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Until the operation has ended.</summary>
    public static Task<Operation> OperationAsync(HttpClient http, Operation operation, string title, Terminal terminal, CancellationToken ct) =>
        Bar(terminal).StartAsync(async context =>
        {
            var task = context.AddTask(Markup.Escape(title), autoStart: true, maxValue: 1);
            task.IsIndeterminate = true;
            await foreach (var now in new OperationsClient(http).WatchAsync(operation.Id, ct))
            {
                operation = now;
                Show(task, title, now.Progress);
            }

            // The stream may be cut (a proxy, a restart); what counts is what the operation says.
            using var timer = new PeriodicTimer(Look);
            while (!OperationStates.IsFinal(operation.State) && await timer.WaitForNextTickAsync(ct))
            {
                operation = await new OperationsClient(http).GetAsync(operation.Id, ct);
                Show(task, title, operation.Progress);
            }

            return operation;
        });

    /// <summary>Until nothing waits for its embedding by the active model any more, or that model is away: it may stay so for hours.</summary>
    /// <returns>False where memories still wait; that has been said.</returns>
    public static async Task<bool> EmbeddingAsync(HttpClient http, Terminal terminal, CancellationToken ct)
    {
        var admin = new AdminClient(http);
        var status = await admin.EmbeddingsAsync(ct);
        if (Waiting(status) > 0)
        {
            status = await Bar(terminal).StartAsync(context => DrainAsync(admin, status, context.AddTask("embedding", autoStart: true, maxValue: Waiting(status)), ct));
        }

        if (status.Queue.Failed > 0)
        {
            terminal.Say($"not embedded, found by words only: {EmbeddingView.Memories(status.Queue.Failed)} (`mahavishnu embeddings failed` says why)");
        }

        if (Waiting(status) == 0)
        {
            return true;
        }

        terminal.Say($"waiting for the embedding model: {EmbeddingView.Memories(Waiting(status))}, stored, found by words, and embedded once it is there");
        foreach (var line in status.Provider is { } provider ? EmbeddingView.Trouble(provider) : [])
        {
            terminal.Say(line);
        }

        return false;
    }

    private static async Task<EmbeddingStatus> DrainAsync(AdminClient admin, EmbeddingStatus status, ProgressTask task, CancellationToken ct)
    {
        var most = Waiting(status);
        var well = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Look);
        while (Waiting(status) > 0 && await timer.WaitForNextTickAsync(ct))
        {
            status = await admin.EmbeddingsAsync(ct);
            most = Math.Max(most, Waiting(status));
            Show(task, most - Waiting(status), most);
            if (!IsAway(status.Provider))
            {
                well = TimeProvider.System.GetTimestamp();
                task.Description = "embedding";
                continue;
            }

            task.Description = Markup.Escape($"waiting for the embedding model {status.Provider!.Model}");
            if (TimeProvider.System.GetElapsedTime(well) > Patience)
            {
                break;
            }
        }

        return status;
    }

    private static long Waiting(EmbeddingStatus status) => status.Queue.Pending + status.Queue.Running;

    // While it is pulled it is on its way; before it was asked nobody knows.
    private static bool IsAway(EmbeddingProviderStatus? provider) => provider is { State: EmbeddingProviderStates.Away or EmbeddingProviderStates.Missing or EmbeddingProviderStates.Changed };

    private static Progress Bar(Terminal terminal) => new Progress(terminal.Messages)
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn());

    private static void Show(ProgressTask task, string title, OperationProgress progress)
    {
        // importing: reflection.duckdb: reflections, 4,321 rows/s
        var message = progress.Message is null ? title : $"{title}: {progress.Message}";
        task.Description = Markup.Escape(progress.RatePerSecond is { } rate and > 0 ? string.Create(CultureInfo.InvariantCulture, $"{message}, {rate:N0} {progress.Unit}/s") : message);
        Show(task, progress.Done, progress.Total);
    }

    private static void Show(ProgressTask task, long done, long? total)
    {
        task.IsIndeterminate = total is null or 0;
        task.MaxValue = Math.Max(1, total ?? 1);
        task.Value = Math.Min(done, task.MaxValue);
    }
}
