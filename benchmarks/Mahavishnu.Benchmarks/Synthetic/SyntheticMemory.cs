using System.Buffers.Binary;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>One row of the synthetic store. Eight that follow each other are chunks of a file or turns of a session.</summary>
internal sealed record SyntheticMemory(Guid Id, string Type, string Source, string Content, string Repo, string Project, string? Session, string Metadata, DateTimeOffset At)
{
    /// <summary>The type of every tenth memory.</summary>
    public const string TenPercent = MemoryTypes.Insight;

    /// <summary>Repositories: each has one memory in a thousand.</summary>
    public const int Repos = 1_000;

    /// <summary>Projects, unless a benchmark says otherwise.</summary>
    public const int Projects = 20;

    private const ulong Seed = 0x5EED_0003;
    private const int Together = 8;
    private static readonly DateTimeOffset First = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static string RepoName(int number) => string.Create(CultureInfo.InvariantCulture, $"repo-{number % Repos:000}");

    public static string ProjectName(int number, int projects = Projects) => string.Create(CultureInfo.InvariantCulture, $"project-{number % projects:00}");

    public static SyntheticMemory Of(long row, int projects = Projects)
    {
        var group = row / Together;
        var draws = new Draws(Seed, group);
        var type = draws.Below(10) switch { 0 => TenPercent, 1 => MemoryTypes.Workflow, < 6 => MemoryTypes.Agent, _ => MemoryTypes.Rag };
        var source = draws.Below(10) switch { 0 => "session_buddy", < 5 => "claude", _ => "agno" };
        var repo = draws.Below(Repos);
        var line = row % Together * 40;
        return new SyntheticMemory(
            Identify(row),
            type,
            source,
            SyntheticTexts.Of(row, SyntheticVectors.ClusterOf(row)),
            RepoName(repo),
            ProjectName(repo, projects),
            type == MemoryTypes.Agent ? string.Create(CultureInfo.InvariantCulture, $"session-{group}") : null,
            type == MemoryTypes.Rag
                ? string.Create(CultureInfo.InvariantCulture, $$$"""{"path":"src/part{{{group % 97}}}/file{{{group}}}.cs","language":"csharp","lines":{"start":{{{line + 1}}},"end":{{{line + 40}}}}}""")
                : string.Create(CultureInfo.InvariantCulture, $$"""{"importance":{{draws.Below(100)}},"topic":"topic-{{draws.Below(50)}}"}"""),
            First.AddMinutes(row));
    }

    // UUID v7: 48 bits of time, then what a clock and chance would have given.
    private static Guid Identify(long row)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, First.AddMinutes(row).ToUnixTimeMilliseconds() << 16);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], new Draws(Seed + 1, row).Next());
        bytes[6] = (byte)(0x70 | (bytes[9] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }
}
