using System.ComponentModel;
using System.Globalization;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record MemoryStatusArguments
{
    [Description("Only how this operation does, such as an ingestion that was started")]
    public Guid? OperationId { get; init; }
}

/// <param name="Status"><c>ok</c>, or <c>degraded</c> while not everything can be found by meaning.</param>
internal sealed record MemoryStatus(string Status, IReadOnlyList<OperationLine> Operations)
{
    public string? Message { get; init; }
    public string? Model { get; init; }

    /// <summary>Memories that are found by words and not yet by meaning.</summary>
    public long? Pending { get; init; }

    /// <summary>Memories that could not be embedded.</summary>
    public long? Failed { get; init; }
    public IReadOnlyList<RepositoryLine>? Repositories { get; init; }
}

internal sealed record RepositoryLine(string RepoId, string Status, int Files, int Chunks, DateTimeOffset IngestedAt);

internal sealed record OperationLine(Guid Id, string Kind, string State, long Done)
{
    public long? Total { get; init; }
    public string? Message { get; init; }

    public static OperationLine Of(Operation operation) => new(operation.Id, operation.Kind, operation.State, operation.Progress.Done)
    {
        Total = operation.Progress.Total,
        Message = operation.Error?.Message ?? operation.Progress.Message,
    };

    public string ToText() =>
        string.Create(CultureInfo.InvariantCulture, $"{Kind} {Id}: {State}, {Done}{(Total is { } total ? $" of {total}" : "")}{(Message is null ? "" : $". {Message}")}");
}

/// <summary>Says what there is and how it does.</summary>
internal sealed class MemoryStatusTool(AdminClient admin, RepositoriesClient repositories, OperationsClient operations) : MemoryTool<MemoryStatusArguments, MemoryStatus>(
    "memory_status", "How the memory does",
    "Say whether everything can be found, which repositories are ingested, and how long work does. Call it when an answer says degraded, to learn a repoId, or to follow an operation.",
    ToolEffects.Reads)
{
    protected override async Task<ToolAnswer<MemoryStatus>> AnswerAsync(MemoryStatusArguments arguments, CancellationToken ct)
    {
        var status = arguments.OperationId is { } id ? new MemoryStatus("ok", [OperationLine.Of(await operations.GetAsync(id, ct))]) : await AllAsync(ct);
        return new(status, Text(status));
    }

    private async Task<MemoryStatus> AllAsync(CancellationToken ct)
    {
        var (embeddings, known, running) = (admin.EmbeddingsAsync(ct), repositories.ListAsync(ct), operations.ListAsync(state: OperationStates.Running, ct: ct));
        await Task.WhenAll(embeddings, known, running);
        var (model, queue) = ((await embeddings).Provider, (await embeddings).Queue);
        var well = model?.State is null or EmbeddingProviderStates.Ready && queue.Failed == 0;
        return new MemoryStatus(well ? "ok" : "degraded", [.. (await running).Items.Select(OperationLine.Of)])
        {
            Message = model?.Message,
            Model = (await embeddings).Spaces.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active)?.Model ?? model?.Model,
            Pending = queue.Pending + queue.Running,
            Failed = queue.Failed,
            Repositories = [.. (await known).Items.Select(r => new RepositoryLine(r.RepoId, r.Status, r.Files, r.Chunks, r.IngestedAt))],
        };
    }

    private static string Text(MemoryStatus status)
    {
        var text = new StringBuilder();
        if (status.Pending is { } pending)
        {
            text.Append(CultureInfo.InvariantCulture, $"{status.Status}: model {status.Model ?? "none yet"}, {pending} waiting to be found by meaning, {status.Failed} failed. {status.Message}\n");
        }

        foreach (var repository in status.Repositories ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"repository {repository.RepoId}: {repository.Status}, {repository.Files} files, {repository.Chunks} chunks\n");
        }

        foreach (var operation in status.Operations)
        {
            text.Append(operation.ToText()).Append('\n');
        }

        return text.ToString();
    }
}
