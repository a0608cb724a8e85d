using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Ingest;

/// <summary>Ends what died with its process: drops that were begun, and an active space that nobody fills.</summary>
internal sealed partial class EmbeddingSpaceKeeper(EmbeddingSpaceStore spaces, OperationStore operations, TimeProvider time, ILogger<EmbeddingSpaceKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    // A space that is just being made is not filled yet either: what is still so at the next look stays so.
    private short? _unfilled;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (e is DbException or InvalidOperationException)
            {
                Waiting(logger, e.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Looks once, and does what is due.</summary>
    internal async Task LookAsync(CancellationToken ct)
    {
        var all = await spaces.ListAsync(ct);
        foreach (var space in all.Where(s => s.State == EmbeddingSpaceStates.Dropping))
        {
            await spaces.DropAsync(space.Id, ct);
            Dropped(logger, space.Id, space.Model);
        }

        var unfilled = all.FirstOrDefault(s => s is { State: EmbeddingSpaceStates.Active, FilledAt: null });
        if (unfilled is not null && unfilled.Id == _unfilled && await MayFillAsync(unfilled, ct))
        {
            await operations.StartAsync(OperationKinds.EmbeddingSpace, unfilled.Subject, new FillInput(unfilled.Id, null), ct);
        }

        _unfilled = unfilled?.Id;
    }

    /// <summary>Whoever cancelled it meant it; a failure may have passed.</summary>
    private async Task<bool> MayFillAsync(EmbeddingSpace space, CancellationToken ct) =>
        await operations.FindLatestAsync(OperationKinds.EmbeddingSpace, space.Subject, ct) switch
        {
            null or { State: OperationStates.Completed } => true,
            { State: OperationStates.Failed, FinishedAt: { } ended } => time.GetUtcNow() - ended >= AfterFailure,
            _ => false,
        };

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedding space {Id} of {Model}, whose drop had been cut short, is gone")]
    private static partial void Dropped(ILogger logger, short id, string model);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Looking after the embedding spaces waits: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}
