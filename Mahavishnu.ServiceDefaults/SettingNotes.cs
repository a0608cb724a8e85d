using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Says once, at the start, which lines of the settings files change nothing.</summary>
internal sealed partial class SettingNotes(IReadOnlyList<SettingNote> notes, ILogger<SettingNotes> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var note in notes)
        {
            NoEffect(logger, note.Asked ? LogLevel.Warning : LogLevel.Information, note.File, note.Key, note.Why);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Message = "{File}: {Key} has no effect: {Why}")]
    private static partial void NoEffect(ILogger logger, LogLevel level, string file, string key, string why);
}
