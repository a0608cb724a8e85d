namespace Mahavishnu.Client;

/// <summary>Where the memory is.</summary>
public sealed class MahavishnuClientOptions
{
    /// <summary>Of <c>mahavishnu up</c> or the gateway.</summary>
    public Uri Address { get; set; } = new("http://127.0.0.1:8686");

    /// <summary>Where the service asks for one.</summary>
    public string? ApiKey { get; set; }

    /// <summary>How long one call may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>What a <see cref="ChatMemory"/> recalls and stores.</summary>
public sealed class ChatMemoryOptions
{
    /// <summary>The project that is talked about: its memories, and those of no project, are recalled. Null: all are.</summary>
    public string? ProjectId { get; set; }

    /// <summary>Who talks as the assistant.</summary>
    public string? AgentId { get; set; }

    /// <summary>About how many tokens recalled text takes at most, 50 to 100,000.</summary>
    public int MaxTokens { get; set; } = 1_000;

    /// <summary>Most memories recalled for a turn, 1 to 200.</summary>
    public int Limit { get; set; } = 6;

    /// <summary>False: nothing is recalled.</summary>
    public bool Recall { get; set; } = true;

    /// <summary>False: nothing is stored.</summary>
    public bool Store { get; set; } = true;

    /// <summary>How long a turn waits for the memory, before it and after it.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(3);
}
