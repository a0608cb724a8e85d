using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>The files of an import, open from its first look at them to its end: what was counted is what is read.</summary>
internal sealed class ImportSources : IAsyncDisposable
{
    // Changes when the same file would be read or numbered otherwise: an import that an older program left unfinished is then not gone on with.
    private const int Format = 1;

    // Of the names that an error tells.
    private const int MostNamed = 40;

    private readonly List<(FileState State, SourceFile? File)> _files = [];

    private ImportSources(DateTimeOffset importedAt) => ImportedAt = importedAt;

    /// <summary>What stands in for times that the source does not know.</summary>
    public DateTimeOffset ImportedAt { get; }

    public IReadOnlyList<FileState> States => [.. _files.Select(f => f.State)];

    public long Bytes => _files.Sum(f => f.State.Bytes);

    /// <summary>A file of an import, by its number.</summary>
    public SourceFile File(short number) => _files[number].File!;

    /// <exception cref="OperationFailedException">A path may not be read, or a file that was named cannot be.</exception>
    public static async Task<ImportSources> OpenAsync(ImportInput input, AllowedRoots roots, DateTimeOffset importedAt, TimeProvider time, CancellationToken ct)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(input.TimeZone);
        var options = new SourceOptions(zone, importedAt, input.Copy, input.Collections, input.Tables, time);
        var sources = new ImportSources(importedAt);
        try
        {
            // Again, as links and settings may have changed since the request.
            var (files, backups) = SourceFiles.Find([.. input.Paths.Select(p => Allowed(p, roots))], input.IncludeBackups);
            foreach (var file in files)
            {
                await sources.AddAsync(file, roots, options, named: input.Paths.Contains(file, StringComparer.Ordinal), ct);
            }

            foreach (var backup in backups)
            {
                sources.Skip(backup, $"{backup} is a backup: what it holds is in the original. Name it, or ask for backups, to have it as well.");
            }

            if (sources._files.TrueForAll(f => f.File is null))
            {
                throw new SourceFileException(sources.Nothing());
            }

            return (sources.Unknown("tables", input.Tables, t => t.Name) ?? sources.Unknown("collections", input.Collections, t => t.Collection)) is { } unknown
                ? throw new OperationFailedException(ErrorCodes.InvalidRequest, unknown)
                : sources;
        }
        catch (Exception e)
        {
            await sources.DisposeAsync();
            if (e is SourceFileException)
            {
                throw new OperationFailedException(ErrorCodes.UnreadableSource, e.Message);
            }

            throw;
        }
    }

    /// <summary>Of the files, and of the settings that decide what becomes of their rows.</summary>
    public byte[] Fingerprint(ImportInput input)
    {
        var all = new StringBuilder().Append(System.Globalization.CultureInfo.InvariantCulture, $"{Format}\n{input.TimeZone}\n")
            .AppendJoin('\t', input.Collections.Order(StringComparer.Ordinal)).Append('\n').AppendJoin('\t', input.Tables.Order(StringComparer.Ordinal));
        foreach (var (state, _) in _files.Where(f => f.File is not null))
        {
            all.Append('\n').Append(state.Path).Append('\t').Append(Convert.ToHexStringLower(state.Hash!));
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString()));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, file) in _files)
        {
            if (file is not null)
            {
                await file.DisposeAsync();
            }
        }
    }

    private async Task AddAsync(string found, AllowedRoots roots, SourceOptions options, bool named, CancellationToken ct)
    {
        var path = found;
        SourceFile file;
        try
        {
            path = Allowed(found, roots);
            file = await SourceFile.OpenAsync(path, options, ct);
        }
        catch (Exception e) when (!named && e is SourceFileException or OperationFailedException)
        {
            // A folder may hold anything; what else is in it is still wanted.
            Skip(path, e.Message);
            return;
        }

        var number = (short)_files.Count;
        var tables = file.Tables.Where(t => t.Role != SourceRole.Skipped).Select((t, i) => new TableState(new TableKey(Guid.Empty, number, (short)i), t.Name, t.Role, t.Rows));
        var skipped = file.Tables.Where(t => t.Role == SourceRole.Skipped).Select(t => new SkippedTable(t.Name, t.Reason ?? "It is not known what it holds."));
        _files.Add((new FileState(number, path, file.Hash, file.Bytes, file.Generations, [.. skipped], [.. tables]), file));
    }

    private void Skip(string path, string reason) =>
        _files.Add((new FileState((short)_files.Count, path, null, 0, [], [new SkippedTable(ImportReporting.WholeFile, reason)], []), null));

    private string Nothing()
    {
        var first = _files[0].State.Skipped[0].Reason;
        return _files.Count == 1 ? first : FormattableString.Invariant($"None of the {_files.Count} files can be imported. The first: {first}");
    }

    // A name that nothing bears is a slip of the pen: an import of nothing would pass for one that went well.
    private string? Unknown(string field, IReadOnlyList<string> asked, Func<SourceTable, string> name)
    {
        var known = _files.SelectMany(f => f.File?.Tables ?? []).Select(name).Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal).ToList();
        return asked.FirstOrDefault(a => !known.Contains(a, StringComparer.OrdinalIgnoreCase)) is not { } unknown ? null
            : $"{field}: the files have no {unknown}. They have: {string.Join(", ", known.Take(MostNamed))}{(known.Count > MostNamed ? ", …" : ".")}";
    }

    private static string Allowed(string path, AllowedRoots roots) =>
        roots.Resolve(path, out var refusal, files: true)?.Path ?? throw new OperationFailedException(refusal!.Code, $"{path} {refusal.Message}");
}
