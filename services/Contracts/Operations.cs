using System.Text.Json;

namespace Mahavishnu.Contracts;

/// <summary>Kinds of long work.</summary>
public static class OperationKinds
{
    public const string Repository = "repository";
    public const string Import = "import";
    public const string EmbeddingSpace = "embedding-space";
    public const string Index = "index";

    /// <summary>A sweep for insights over what is stored.</summary>
    public const string Extraction = "extraction";
}

public static class OperationStates
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Completed = "completed";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    /// <summary>True once nothing more will happen to the operation.</summary>
    public static bool IsFinal(string state) => state is Completed or Failed or Cancelled;
}

/// <summary>Long work, followed by polling <c>GET /operations/{id}</c> or by its events.</summary>
public sealed record Operation
{
    public required Guid Id { get; init; }
    public required string Kind { get; init; }

    /// <summary>One of <see cref="OperationStates"/>.</summary>
    public required string State { get; init; }
    public OperationProgress Progress { get; init; } = new(0, null, "items", null, null);
    public JsonElement? Result { get; init; }
    public OperationError? Error { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <param name="Total">Null while it is not known.</param>
/// <param name="RatePerSecond"><paramref name="Done"/> per second since the start.</param>
public sealed record OperationProgress(long Done, long? Total, string Unit, double? RatePerSecond, string? Message);

public sealed record OperationError(string Code, string Message);
