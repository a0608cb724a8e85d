using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Has the language model read messages, one call at a time, long after they were stored and their marked blocks taken: nobody waits for it, nothing is lost by it.</summary>
internal sealed partial class InsightModelWorker(
    InsightReadingStore readings, InsightStore store, InsightModel model, IngestTelemetry telemetry, IOptions<InsightModelOptions> options, IOptions<InsightOptions> insights, TimeProvider time,
    ILogger<InsightModelWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Counting = TimeSpan.FromSeconds(15);

    // For storing what was found, after the call has had its time.
    private static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(30);

    // What went wrong last, how often in a row, and whether that cost messages.
    private (string? Reason, int Times, bool GivenUp) _trouble;
    private long? _counted;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (model.Name is null)
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Idle;
            try
            {
                var claim = await readings.ClaimAsync(options.Value.MessagesPerCall, Lease, options.Value.MaxAttempts, stoppingToken);
                if (claim is not null)
                {
                    pause = await ReadAsync(claim, stoppingToken) ? TimeSpan.Zero : Rest();
                }

                await CountAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or ObjectDisposedException)
            {
                // Away, or of another version: a claim that it cost ends by itself.
                Waiting(logger, model.Name, e.Message);
            }

            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TimeSpan Lease => TimeSpan.FromSeconds(options.Value.TimeoutSeconds) + LeaseMargin;

    /// <returns>False: the model is better left alone for a while.</returns>
    private async Task<bool> ReadAsync(ReadingClaim claim, CancellationToken ct)
    {
        try
        {
            var messages = await readings.MessagesAsync(claim, ct);
            var (shown, taken) = model.Show(messages);
            if (taken < messages.Count)
            {
                await readings.ReleaseAsync(claim, [.. messages.Skip(taken).Select(m => m.Id)], ct);
            }

            await (shown.Count == 0 ? StoreAsync(claim, [], ct) : AskAsync(claim, shown, ct));
            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await readings.ReleaseAsync(claim, claim.MessageIds, CancellationToken.None);
            throw;
        }
        catch (ChatModelException e) when (e.IsModelWide)
        {
            Trouble(e.Reason, e.Message, e.Hint, await readings.PutOffAsync(claim, e.Reason, e.Message, TimeSpan.FromHours(options.Value.MaxWaitHours), ct));
            return false;
        }
        catch (Exception e) when (e is not DbException { IsTransient: true })
        {
            var pause = TimeSpan.FromSeconds(options.Value.RetrySeconds);
            Trouble(Reason(e), e.Message, null, await readings.FailAsync(claim, Reason(e), e.Message, options.Value.MaxAttempts, pause, ct));
            return false;
        }
    }

    private async Task AskAsync(ReadingClaim claim, IReadOnlyList<ShownMessage> shown, CancellationToken ct)
    {
        using var measured = telemetry.Reading(model.Name!, shown.Count);
        try
        {
            var answer = await model.ReadAsync(shown, ct);
            await StoreAsync(claim, answer.Found, ct);
            measured.Read(answer);
            Recover();
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            measured.Failed(Reason(e));
            throw;
        }
    }

    private Task StoreAsync(ReadingClaim claim, IReadOnlyList<InsightOfMessage> found, CancellationToken ct) =>
        store.StoreReadAsync(claim, model.Name!, found, insights.Value.MaxPerCheckpoint, insights.Value.MaxPerSession, ct);

    private static string Reason(Exception e) => (e as ChatModelException)?.Reason ?? ChatReasons.NotStored;

    private TimeSpan Rest()
    {
        var rest = TimeSpan.FromSeconds(options.Value.RetrySeconds * Math.Pow(2, Math.Min(_trouble.Times, 20) - 1));
        return rest < LongestRest ? rest : LongestRest;
    }

    /// <summary>Says what is wrong when it begins to be so, not with each message that meets it.</summary>
    private void Trouble(string reason, string error, string? hint, int givenUp)
    {
        if (_trouble.Reason != reason)
        {
            Unread(logger, model.Name!, error, hint is null ? "" : $" To change it: {hint}");
        }

        if (givenUp > 0 && !_trouble.GivenUp)
        {
            GivenUp(logger, model.Name!, error);
        }

        _trouble = (reason, _trouble.Times + 1, _trouble.GivenUp || givenUp > 0);
    }

    private void Recover()
    {
        if (_trouble.Reason is not null)
        {
            ReadsAgain(logger, model.Name!);
        }

        _trouble = (null, 0, false);
    }

    private async Task CountAsync(CancellationToken ct)
    {
        if (telemetry.ReadingsAreWatched && (_counted is not { } last || time.GetElapsedTime(last) >= Counting))
        {
            _counted = time.GetTimestamp();
            telemetry.Readings((await readings.StatusAsync(model.Name, ct)).Model);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Messages that {Model} is to read for insights wait for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Model} cannot read messages for insights: {Reason} They wait; marked insights are taken all the same.{Hint}")]
    private static partial void Unread(ILogger logger, string model, string reason, string hint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Messages that {Model} was to read for insights are given up: {Reason} `mahavishnu insight status` counts them, `mahavishnu insight extract --model` tries them again.")]
    private static partial void GivenUp(ILogger logger, string model, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Model} reads messages for insights again")]
    private static partial void ReadsAgain(ILogger logger, string model);
}
