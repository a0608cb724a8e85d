using System.Text.Json;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>Makes memories of a file's chunks.</summary>
/// <param name="repoId">The repository's name.</param>
/// <param name="projectId">The project it belongs to, if any.</param>
/// <param name="commit">The commit that is checked out, if it is a checkout.</param>
/// <param name="chunker">Used by one thread at a time.</param>
/// <param name="time">For the ids.</param>
internal sealed class ChunkDrafts(string repoId, string? projectId, string? commit, Chunker chunker, TimeProvider time)
{
    public const string Source = "repository";

    /// <summary>One memory a chunk; none for chunks of blank lines.</summary>
    /// <param name="modifiedAt">When the file was written last.</param>
    public IReadOnlyList<MemoryDraft> Make(string path, string text, DateTimeOffset modifiedAt)
    {
        var language = Language.Of(path);
        var drafts = new List<MemoryDraft>();
        foreach (var chunk in chunker.Split(text, language?.Structure ?? Structure.Prose))
        {
            var content = text[chunk.Start..chunk.End];
            if (string.IsNullOrWhiteSpace(content))
            {
                continue;
            }

            var draft = new MemoryDraft
            {
                Id = Guid.CreateVersion7(time.GetUtcNow()),
                Type = MemoryTypes.Rag,
                Source = Source,
                Title = Title(path, chunk.Symbol),
                Content = content,
                RepoId = repoId,
                ProjectId = projectId,
                Metadata = JsonSerializer.Serialize(
                    new Place(path, language?.Name, new LineRange(chunk.FirstLine, chunk.LastLine), chunk.Ordinal, commit, chunk.Symbol, Others(chunk)), WireJson.Lenient),
                OccurredAt = modifiedAt,
            };
            drafts.Add(draft with { DedupeKey = DedupeKeys.ForChunk(repoId, path, chunk.Ordinal, draft.ContentHash) });
        }

        return drafts;
    }

    // Null where the symbol says it all.
    private IReadOnlyList<string>? Others(Chunk chunk) => chunker.DeclaredIn(chunk) is { Count: > 0 } declared && (declared.Count > 1 || declared[0] != chunk.Symbol) ? declared : null;

    private static string Title(string path, string? symbol)
    {
        var title = symbol is null ? path : $"{path} · {symbol}";
        return title.Length <= MemoryLimits.NameLength ? title : TextSanitizer.Clean(title[..MemoryLimits.NameLength]);
    }

    /// <summary>The metadata of a chunk: where it stands.</summary>
    private sealed record Place(
        string Path,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Language,
        LineRange Lines,
        int Ordinal,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Commit,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Symbol,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Symbols);
}
