using System.ComponentModel;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record IngestRepositoryArguments
{
    [Description("Absolute path on the server's machine, inside Ingest:Roots")]
    public required string Path { get; init; }

    [Description("The name it is known by; default: the folder's")]
    public string? RepoId { get; init; }

    public string? ProjectId { get; init; }

    [Description("Globs such as **/*.cs that replace the default set of files")]
    public IReadOnlyList<string>? Include { get; init; }

    [Description("Globs left out besides .gitignore")]
    public IReadOnlyList<string>? Exclude { get; init; }
}

/// <summary>Starts the ingestion of a repository.</summary>
internal sealed class IngestRepositoryTool(RepositoriesClient repositories) : MemoryTool<IngestRepositoryArguments, OperationLine>(
    "ingest_repository", "Ingest a repository",
    "Make a folder of the server's machine searchable, or bring it up to date: only files that changed are read. Answers with an operation at once; memory_status follows it. Call it when the user asks for it, or when search_code finds nothing of a repository.",
    ToolEffects.Adds)
{
    public override bool IsForAdmin => true;

    protected override async Task<ToolAnswer<OperationLine>> AnswerAsync(IngestRepositoryArguments arguments, CancellationToken ct)
    {
        var operation = OperationLine.Of(await repositories.IngestAsync(
            new IngestRepositoryRequest
            {
                Path = arguments.Path,
                RepoId = arguments.RepoId,
                ProjectId = arguments.ProjectId,
                Include = arguments.Include,
                Exclude = arguments.Exclude,
            },
            ct));
        return new(operation, operation.ToText());
    }
}
