namespace Mahavishnu.Migration;

/// <summary>How a file is to be read.</summary>
/// <param name="TimeZone">Times without a zone are local to it.</param>
/// <param name="ImportedAt">The import's start: stands in for a time that the source does not know, so that a resumed import says the same.</param>
/// <param name="Copy">Whether a file that is in use, or has a write-ahead log, may be copied to be read.</param>
/// <param name="Collections">Collections to read; empty means all.</param>
/// <param name="Tables">Tables to read; empty means all.</param>
/// <param name="Clock">For the ids.</param>
internal sealed record SourceOptions(
    TimeZoneInfo TimeZone, DateTimeOffset ImportedAt, bool Copy, IReadOnlyCollection<string> Collections, IReadOnlyCollection<string> Tables, TimeProvider Clock);

/// <summary>The file cannot be read; the message is one sentence for the user that names it.</summary>
internal sealed class SourceFileException(string message, Exception? inner = null) : Exception(message, inner);
