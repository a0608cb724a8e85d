namespace Mahavishnu.OllamaStandIn;

/// <summary>How the stand-in behaves; every switch may be turned while calls are under way.</summary>
public sealed class StandInBehaviour
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _poison = new(StringComparer.Ordinal);
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private TaskCompletionSource? _held;
    private TaskCompletionSource? _heldPulls;
    private TaskCompletionSource? _heldAsked;
    private TaskCompletionSource? _heldChats;
    private StandInAnswer _chat;
    private int _chatTimes;
    private StandInAnswer _answer;
    private int _times;
    private long _delayTicks;
    private int _served;
    private int _calls;

    /// <summary>What a model that talks says; unless told, as little as there can be in JSON.</summary>
    public Func<StandInChatCall, string> Say { get; set; } = static _ => "{}";

    /// <summary>How long a call of <c>/api/embed</c> is computed, once it is its turn; and one of <c>/api/chat</c>.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>Calls computed at a time (<c>OLLAMA_NUM_PARALLEL</c>); the others wait their turn.</summary>
    public int Parallel { get; set; } = 4;

    /// <summary>Calls that may wait (<c>OLLAMA_MAX_QUEUE</c>); a further one is a 503.</summary>
    public int MaxQueue { get; set; } = 512;

    /// <summary>Every n-th call is a 500; 0: none.</summary>
    public int FailEvery { get; set; }

    /// <summary>Whether all routes answer as something that is not Ollama.</summary>
    public bool SomethingElse { get; set; }

    /// <summary>Answers the next calls like this, and afterwards rightly again.</summary>
    public void Answer(StandInAnswer answer, int times = int.MaxValue)
    {
        lock (_lock)
        {
            (_answer, _times) = (answer, times);
        }
    }

    /// <summary>Answers the next calls of <c>/api/chat</c> like this, and afterwards rightly again.</summary>
    public void AnswerChat(StandInAnswer answer, int times = int.MaxValue)
    {
        lock (_lock)
        {
            (_chat, _chatTimes) = (answer, times);
        }
    }

    /// <summary>From now on a call with a text that contains this fails as a whole.</summary>
    public void Poison(string text)
    {
        lock (_lock)
        {
            _poison.Add(text);
        }
    }

    /// <summary>Calls of <c>/api/embed</c> wait, counted as under way, until <see cref="Release"/>.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Release() => Take(ref _held)?.TrySetResult();

    /// <summary>A pull stops half-way until <see cref="ReleasePulls"/>.</summary>
    public void HoldPulls()
    {
        lock (_lock)
        {
            _heldPulls ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void ReleasePulls() => Take(ref _heldPulls)?.TrySetResult();

    /// <summary>What is asked about models (<c>/api/tags</c>, <c>/api/show</c>) is not answered until <see cref="ReleaseAsked"/>.</summary>
    public void HoldAsked()
    {
        lock (_lock)
        {
            _heldAsked ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void ReleaseAsked() => Take(ref _heldAsked)?.TrySetResult();

    /// <summary>Calls of <c>/api/chat</c> are not answered until <see cref="ReleaseChats"/>.</summary>
    public void HoldChats()
    {
        lock (_lock)
        {
            _heldChats ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void ReleaseChats() => Take(ref _heldChats)?.TrySetResult();

    internal Task ChatsMayGoOn(CancellationToken ct)
    {
        lock (_lock)
        {
            return _heldChats?.Task.WaitAsync(ct) ?? Task.CompletedTask;
        }
    }

    internal StandInAnswer NextChat()
    {
        lock (_lock)
        {
            return _chatTimes > 0 && _chatTimes-- > 0 ? _chat : StandInAnswer.Right;
        }
    }

    internal Task AskedMayGoOn(CancellationToken ct)
    {
        lock (_lock)
        {
            return _heldAsked?.Task.WaitAsync(ct) ?? Task.CompletedTask;
        }
    }

    internal Task PullsMayGoOn(CancellationToken ct)
    {
        lock (_lock)
        {
            return _heldPulls?.Task.WaitAsync(ct) ?? Task.CompletedTask;
        }
    }

    internal StandInAnswer NextAnswer(IReadOnlyList<string> texts)
    {
        lock (_lock)
        {
            _calls++;
            if (FailEvery > 0 && _calls % FailEvery == 0)
            {
                return StandInAnswer.ServerError;
            }

            if (_times > 0 && _answer != StandInAnswer.Right)
            {
                _times--;
                return _answer;
            }

            return texts.Any(t => _poison.Any(p => t.Contains(p, StringComparison.Ordinal))) ? StandInAnswer.ServerError : StandInAnswer.Right;
        }
    }

    /// <returns>False: the queue is full.</returns>
    internal async Task<bool> TakeTurnAsync(CancellationToken ct)
    {
        Task turn;
        lock (_lock)
        {
            if (_served >= Parallel && _waiting.Count >= MaxQueue)
            {
                return false;
            }

            if (_served < Parallel)
            {
                _served++;
                turn = Task.CompletedTask;
            }
            else
            {
                var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue(mine);
                turn = mine.Task;
                ct.Register(() => mine.TrySetCanceled(ct));
            }
        }

        await turn;
        try
        {
            Task held;
            lock (_lock)
            {
                held = _held?.Task ?? Task.CompletedTask;
            }

            await held.WaitAsync(ct);
            return true;
        }
        catch (OperationCanceledException)
        {
            EndTurn();
            throw;
        }
    }

    internal Task ThinkAsync(CancellationToken ct) => Task.Delay(Delay, ct);

    internal void EndTurn()
    {
        lock (_lock)
        {
            while (_waiting.TryDequeue(out var next))
            {
                // One that has gone away meanwhile gives its turn to the next.
                if (next.TrySetResult())
                {
                    return;
                }
            }

            _served--;
        }
    }

    private TaskCompletionSource? Take(ref TaskCompletionSource? held)
    {
        lock (_lock)
        {
            var taken = held;
            held = null;
            return taken;
        }
    }
}
