namespace Mahavishnu.Contracts;

/// <summary>Answer of <c>GET /schema</c>.</summary>
/// <param name="Version">The newest migration applied; 0 for an empty database.</param>
/// <param name="ProgramVersion">The newest migration this program knows.</param>
public sealed record SchemaInfo(int Version, int ProgramVersion, IReadOnlyList<AppliedMigration> Applied);

public sealed record AppliedMigration(int Number, string Name, string Checksum, DateTimeOffset AppliedAt);
