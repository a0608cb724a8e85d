using System.Runtime.CompilerServices;
using DuckDB.NET.Data;

namespace Mahavishnu.Migration;

/// <summary>A file of Session-Buddy's, open for reading and never changed.</summary>
internal sealed class SourceFile : IAsyncDisposable
{
    // As many rows as other tables are asked about at once, unless their texts are long.
    private const int WindowRows = 1_000;
    private const int WindowLength = 8_000_000;

    private readonly SourceConnection _connection;
    private readonly IReadOnlyList<SourcePlan> _plans;
    private readonly TextRows _texts;
    private readonly GraphRows _graph;
    private readonly CarriedRows _carried;

    private SourceFile(string path, SourceConnection connection, IReadOnlyList<SourcePlan> plans, SourceOptions options)
    {
        (Path, _connection, _plans) = (path, connection, plans);
        var clock = new SourceClock(options.TimeZone);
        var drafts = new SourceDraft(System.IO.Path.GetFileName(path), options);
        (_texts, _graph, _carried) = (new TextRows(drafts, clock), new GraphRows(drafts, clock, options), new CarriedRows(clock, options));
    }

    public string Path { get; }

    /// <summary>SHA-256 of the bytes of the file and of its write-ahead log, if it has one.</summary>
    public byte[] Hash => _connection.Hash;
    public long Bytes => _connection.Bytes;

    /// <summary>A copy is read: the file is in use, or has a write-ahead log.</summary>
    public bool Copied => _connection.Copied;

    /// <summary>In the order they are to be imported; skipped ones last.</summary>
    public IReadOnlyList<SourceTable> Tables => [.. _plans.Select(p => p.Table)];

    /// <summary>The generations that the file holds memories of.</summary>
    public IReadOnlyList<string> Generations =>
        [.. _plans.Where(p => p.Table.Role is SourceRole.Text or SourceRole.Entities or SourceRole.Edges).Select(p => p.Table.Generation).Distinct(StringComparer.Ordinal)];

    /// <exception cref="SourceFileException">It cannot be read.</exception>
    public static async Task<SourceFile> OpenAsync(string path, SourceOptions options, CancellationToken ct)
    {
        path = System.IO.Path.GetFullPath(path);
        var connection = await SourceConnection.OpenAsync(path, options.Copy, ct);
        try
        {
            return new SourceFile(path, connection, SourceSchema.Plan(SourceCatalogStore.Tables(connection.Main), options), options);
        }
        catch (Exception e)
        {
            connection.Dispose();
            throw e is DuckDBException duck ? SourceConnection.Explain(path, duck) : e;
        }
    }

    /// <summary>The rows behind <paramref name="after"/>, in order, one by one: the file may be of any size. So may a text: count what you gather in bytes, too.</summary>
    /// <exception cref="SourceFileException">The file is damaged.</exception>
    public async IAsyncEnumerable<SourceRow> ReadAsync(SourceTable table, long after, [EnumeratorCancellation] CancellationToken ct)
    {
        var plan = _plans.First(p => p.Table.Name == table.Name);
        if (plan.Shape == RowShape.None)
        {
            yield break;
        }

        using var reading = _connection.OpenAnother();
        using var asking = _connection.OpenAnother();
        using var rows = new SourceRowStore(reading, plan.Found, ct);
        var lookups = new SourceLookupStore(asking, [.. _plans.Select(p => p.Found)], ct);
        while (true)
        {
            // DuckDB works in the thread that asks it.
            var made = await Task.Run(() => Window(plan, rows, lookups, after), ct);
            foreach (var row in made)
            {
                yield return row;
            }

            if (made.Count == 0)
            {
                yield break;
            }
        }
    }

    private List<SourceRow> Window(SourcePlan plan, SourceRowStore rows, SourceLookupStore lookups, long after)
    {
        try
        {
            var window = new List<RawRow>();
            long length = 0;
            while (window.Count < WindowRows && length < WindowLength && rows.Next(after) is { } row)
            {
                window.Add(row);
                length += row.Text("content")?.Length ?? 0;
            }

            return Make(plan, window, lookups);
        }
        catch (DuckDBException e)
        {
            throw SourceConnection.Explain($"{Path}, table {plan.Table.Name}, behind row {rows.Last}", e);
        }
    }

    private List<SourceRow> Make(SourcePlan plan, List<RawRow> window, SourceLookupStore lookups)
    {
        switch (plan.Shape)
        {
            case RowShape.Conversation or RowShape.Reflection when plan.Found.InMain && plan.Table.Generation is "g1" or "g4" or "g5":
                var ids = Values(window, "id");
                var (tags, accesses) = (lookups.Tags(ids), lookups.Accesses(ids));
                var originals = plan.Table.Generation == "g5" ? lookups.Originals(plan.Shape, ids) : null;
                return [.. window.Select(r => _texts.Make(plan, r, r.Text("id") is { } id ? new TextExtras(tags[id], accesses.GetValueOrDefault(id), originals?.GetValueOrDefault(id)) : TextExtras.None))];
            case RowShape.Conversation or RowShape.Reflection or RowShape.Document or RowShape.Skill:
                return [.. window.Select(r => _texts.Make(plan, r, TextExtras.None))];
            case RowShape.Relationship:
                var ends = Values(window, "from_entity", "to_entity");
                var byId = lookups.EntityNames(ends);
                var names = new EntityNames(byId, lookups.EntitiesNamed([.. ends.Where(e => !byId.ContainsKey(e))]));
                return [.. window.Select(r => _graph.Relationship(plan, r, names))];
            case RowShape.Joined:
                var known = lookups.Known(Values(window, "reflection_id"));
                return [.. window.Select(r => CarriedRows.Joined(r, known))];
            default:
                return [.. window.Select(r => plan.Shape switch
                {
                    RowShape.Entity => _graph.Entity(r),
                    RowShape.Triple => _graph.Triple(plan, r),
                    RowShape.Group => _carried.Group(r),
                    RowShape.Dependency => _carried.Dependency(r),
                    RowShape.SessionLink => _carried.SessionLink(r),
                    _ => _carried.CausalLink(r),
                })];
        }
    }

    private static HashSet<string> Values(List<RawRow> rows, params ReadOnlySpan<string> columns)
    {
        var values = new HashSet<string>(StringComparer.Ordinal);
        foreach (var column in columns)
        {
            values.UnionWith(rows.Select(r => r.Text(column)).OfType<string>());
        }

        return values;
    }

    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }
}
