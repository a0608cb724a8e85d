using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Mahavishnu.Benchmarks;

/// <summary>Adds up the seconds that the services' own instruments report, by stage: what a dashboard would show.</summary>
internal sealed class StageClock : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _seconds = new(StringComparer.Ordinal);

    public StageClock()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith("Mahavishnu.", StringComparison.Ordinal) && instrument.Unit == "s")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, seconds, tags, _) =>
        {
            var stage = instrument.Name;
            foreach (var tag in tags)
            {
                stage = tag.Key == "stage" ? $"{stage}:{tag.Value}" : stage;
            }

            _seconds.AddOrUpdate(stage, seconds, (_, sum) => sum + seconds);
        });
        _listener.Start();
    }

    /// <summary>Seconds of an instrument, or of one of its stages (<c>name:stage</c>).</summary>
    public double Seconds(string name) => _seconds.GetValueOrDefault(name);

    public void Dispose() => _listener.Dispose();
}
