using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>Waits for long work of the service, with a progress bar on standard error.</summary>
internal static class Following
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Until the operation has ended.</summary>
    public static Task<Operation> OperationAsync(HttpClient http, Operation operation, string title, Terminal terminal, CancellationToken ct) =>
        Bar(terminal).StartAsync(async context =>
        {
            var task = context.AddTask(Markup.Escape(title), autoStart: true, maxValue: 1);
            task.IsIndeterminate = true;
            await foreach (var now in new OperationsClient(http).WatchAsync(operation.Id, ct))
            {
                operation = now;
                Show(task, now.Progress.Done, now.Progress.Total);
            }

            // The stream may be cut (a proxy, a restart); what counts is what the operation says.
            using var timer = new PeriodicTimer(Look);
            while (!OperationStates.IsFinal(operation.State) && await timer.WaitForNextTickAsync(ct))
            {
                operation = await new OperationsClient(http).GetAsync(operation.Id, ct);
                Show(task, operation.Progress.Done, operation.Progress.Total);
            }

            return operation;
        });

    /// <summary>Until nothing waits for its embedding any more.</summary>
    public static async Task EmbeddingAsync(HttpClient http, Terminal terminal, CancellationToken ct)
    {
        var admin = new AdminClient(http);
        var queue = (await admin.EmbeddingsAsync(ct)).Queue;
        if (queue.Pending + queue.Running > 0)
        {
            queue = await Bar(terminal).StartAsync(async context =>
            {
                var most = queue.Pending + queue.Running;
                var task = context.AddTask("embedding", autoStart: true, maxValue: most);
                using var timer = new PeriodicTimer(Look);
                while (queue.Pending + queue.Running > 0 && await timer.WaitForNextTickAsync(ct))
                {
                    queue = (await admin.EmbeddingsAsync(ct)).Queue;
                    most = Math.Max(most, queue.Pending + queue.Running);
                    Show(task, most - queue.Pending - queue.Running, most);
                }

                return queue;
            });
        }

        if (queue.Failed > 0)
        {
            terminal.Say($"{queue.Failed} memories could not be embedded; they are found by words only (see `mahavishnu status`)");
        }
    }

    private static Progress Bar(Terminal terminal) => new Progress(terminal.Messages)
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn());

    private static void Show(ProgressTask task, long done, long? total)
    {
        task.IsIndeterminate = total is null or 0;
        task.MaxValue = Math.Max(1, total ?? 1);
        task.Value = Math.Min(done, task.MaxValue);
    }
}
