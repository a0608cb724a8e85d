using System.Text.Json.Nodes;

namespace Mahavishnu.OllamaStandIn;

/// <summary>One call of <c>/api/embed</c> as it came over the wire.</summary>
/// <param name="Model">As the caller named it.</param>
/// <param name="Concurrent">Calls under way when it came, itself included.</param>
/// <param name="TraceParent">Header <c>traceparent</c>: whose trace it belongs to; empty where it came without.</param>
public sealed record StandInCall(string Model, IReadOnlyList<string> Texts, bool? Truncate, int Concurrent, string TraceParent);

/// <summary>One call of <c>/api/chat</c> as it came over the wire.</summary>
/// <param name="Format"><c>"json"</c> or a JSON schema; null: none.</param>
/// <param name="Options"><c>temperature</c>, <c>num_ctx</c> and their like.</param>
/// <param name="Think">A boolean or a level; null: not said.</param>
public sealed record StandInChatCall(string Model, IReadOnlyList<StandInMessage> Messages, JsonNode? Format, JsonNode? Options, JsonNode? Think, bool Stream);

/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
public sealed record StandInMessage(string Role, string Content);

/// <summary>Who came, and how many at a time.</summary>
public sealed class StandInRecord
{
    private readonly Lock _lock = new();
    private readonly List<StandInCall> _calls = [];
    private readonly List<StandInChatCall> _chats = [];
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

    /// <summary>Every call of <c>/api/chat</c> in the order they came.</summary>
    public IReadOnlyList<StandInChatCall> Chats
    {
        get
        {
            lock (_lock)
            {
                return [.. _chats];
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
            _chats.Clear();
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

    internal void Enter(StandInChatCall call)
    {
        lock (_lock)
        {
            _chats.Add(call);
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
