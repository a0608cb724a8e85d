namespace Mahavishnu.OllamaStandIn;

/// <summary>One call of <c>/api/embed</c> as it came over the wire.</summary>
/// <param name="Model">As the caller named it.</param>
/// <param name="Concurrent">Calls under way when it came, itself included.</param>
/// <param name="TraceParent">Header <c>traceparent</c>: whose trace it belongs to; empty where it came without.</param>
public sealed record StandInCall(string Model, IReadOnlyList<string> Texts, bool? Truncate, int Concurrent, string TraceParent);

/// <summary>Who came, and how many at a time.</summary>
public sealed class StandInRecord
{
    private readonly Lock _lock = new();
    private readonly List<StandInCall> _calls = [];
    private readonly Dictionary<string, int> _requests = new(StringComparer.Ordinal);
    private int _now;
    private int _most;

    /// <summary>Every call of <c>/api/embed</c> in the order they came.</summary>
    public IReadOnlyList<StandInCall> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>Every text that was sent to be embedded.</summary>
    public IReadOnlyList<string> Texts => [.. Calls.SelectMany(c => c.Texts)];

    /// <summary>Calls of <c>/api/embed</c> under way.</summary>
    public int Now
    {
        get
        {
            lock (_lock)
            {
                return _now;
            }
        }
    }

    /// <summary>The most that were ever under way at a time.</summary>
    public int Most
    {
        get
        {
            lock (_lock)
            {
                return _most;
            }
        }
    }

    /// <summary>How often a route was called, e.g. <c>/api/tags</c>.</summary>
    public int Requests(string route)
    {
        lock (_lock)
        {
            return _requests.GetValueOrDefault(route);
        }
    }

    /// <summary>Forgets what was; what is under way stays counted.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _calls.Clear();
            _requests.Clear();
            _most = _now;
        }
    }

    internal void Asked(string route)
    {
        lock (_lock)
        {
            _requests[route] = _requests.GetValueOrDefault(route) + 1;
        }
    }

    internal int Enter(string model, IReadOnlyList<string> texts, bool? truncate, string traceParent)
    {
        lock (_lock)
        {
            _now++;
            _most = Math.Max(_most, _now);
            _calls.Add(new StandInCall(model, texts, truncate, _now, traceParent));
            return _calls.Count;
        }
    }

    internal void Leave()
    {
        lock (_lock)
        {
            _now--;
        }
    }
}
