using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record ImportArguments
{
    [Description("Absolute paths of DuckDB files, or of folders with them, inside Ingest:Roots"), MinLength(1)]
    public required IReadOnlyList<string> Paths { get; init; }

    [Description("Where the files were written, such as Europe/Berlin; default: the server's")]
    public string? TimeZone { get; init; }

    [Description("Report what would be done and write nothing")]
    public bool? DryRun { get; init; }
}

/// <summary>Starts the import of Session-Buddy's files.</summary>
internal sealed class ImportTool(ImportsClient imports) : MemoryTool<ImportArguments, OperationLine>(
    "import", "Import Session-Buddy files",
    "Take over Session-Buddy's DuckDB files of the server's machine; the files are not changed, and rows that were imported before are not again. Answers with an operation at once; memory_status follows it. Call it when the user asks for it; a dry run first.",
    ToolEffects.Adds)
{
    public override bool IsForAdmin => true;

    protected override async Task<ToolAnswer<OperationLine>> AnswerAsync(ImportArguments arguments, CancellationToken ct)
    {
        var operation = OperationLine.Of(await imports.StartAsync(
            new ImportRequest { Paths = arguments.Paths, TimeZone = arguments.TimeZone, DryRun = arguments.DryRun }, ct));
        return new(operation, operation.ToText());
    }
}
