using DuckDB.NET.Data;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>Reads a table row by row, in the order of its row ids, from any row on.</summary>
/// <remarks>
/// DuckDB reads 2,048 rows at a time and holds all their texts at once. Where they do not fit into its memory, that
/// stretch is read row by row over the index on id, and where there is none with more memory.
/// </remarks>
internal sealed class SourceRowStore(DuckDBConnection connection, FoundTable table, CancellationToken ct) : IDisposable
{
    private const int Stretch = 2_048;
    private const int MostAtOnce = 8;
    private const int MostMemory = 16 * 1_024;

    private readonly List<SourceColumn> _columns = Read(table);
    private readonly string _from = From(table);
    private DuckDBCommand? _command;
    private DuckDBDataReader? _reader;
    private readonly Queue<string> _ids = [];
    private readonly Queue<RawRow> _found = [];
    private int _atOnce = MostAtOnce;
    private int _memory = SourceCatalogStore.SmallestMemory;

    /// <summary>Number of the row read last; rows are counted from 1.</summary>
    public long Last { get; private set; }

    /// <summary>The next row; null at the end.</summary>
    public RawRow? Next(long after)
    {
        Last = Math.Max(Last, after);
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                if (_found.Count == 0 && _ids.Count > 0)
                {
                    Fetch();
                }

                return _found.TryDequeue(out var row) ? InOrder(row) : ReadOn();
            }
            catch (DuckDBException e) when (IsOutOfMemory(e) && _memory < MostMemory)
            {
                Close();
                if (_ids.Count > 0 && _atOnce > 1)
                {
                    _atOnce = 1;
                }
                else if (_ids.Count > 0 || !table.HasKey || !ListIds())
                {
                    _memory *= 4;
                    SourceCatalogStore.SetMemory(connection, _memory);
                }
            }
        }
    }

    /// <summary>Some rows of a table, by a column of theirs; in order.</summary>
    public static IEnumerable<RawRow> Find(DuckDBConnection connection, FoundTable table, string column, IEnumerable<string> values, string? except)
    {
        var columns = Read(table).Where(c => !string.Equals(c.Name, except, StringComparison.OrdinalIgnoreCase)).ToList();
        using var command = SqlText.With(
            connection.CreateCommand(), $"SELECT rowid, {Selected(columns)} {From(table)} WHERE CAST({SourceCatalogStore.Quoted(column)} AS VARCHAR) IN (SELECT unnest($1)) ORDER BY rowid");
        command.Parameters.Add(new DuckDBParameter(values.ToList()));
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            yield return Read(row, columns);
        }
    }

    public static string From(FoundTable table) => $"FROM {SourceCatalogStore.Quoted(table.Schema)}.{SourceCatalogStore.Quoted(table.Name)}";

    public static bool IsOutOfMemory(DuckDBException e) => e.Message.Contains("Out of Memory", StringComparison.OrdinalIgnoreCase);

    private RawRow? ReadOn()
    {
        if (_reader is null)
        {
            _command = SqlText.With(connection.CreateCommand(), $"SELECT rowid, {Selected(_columns)} {_from} WHERE rowid >= $1");
            _command.UseStreamingMode = true;
            _command.Parameters.Add(new DuckDBParameter(Last));
            _reader = _command.ExecuteReader();
        }

        return _reader.Read() ? InOrder(Read(_reader, _columns)) : null;
    }

    /// <summary>The ids of the next stretch, which cost little to read.</summary>
    /// <returns>False where one is missing.</returns>
    private bool ListIds()
    {
        using var command = SqlText.With(connection.CreateCommand(), $"SELECT CAST(id AS VARCHAR) {_from} WHERE rowid >= $1 AND rowid < $2");
        command.Parameters.Add(new DuckDBParameter(Last));
        command.Parameters.Add(new DuckDBParameter(((Last / Stretch) + 1) * Stretch));
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            if (row.IsDBNull(0))
            {
                _ids.Clear();
                return false;
            }

            _ids.Enqueue(row.GetString(0));
        }

        return _ids.Count > 0;
    }

    private void Fetch()
    {
        var ids = _ids.Take(_atOnce).ToList();
        var rows = Find(connection, table, "id", ids, except: null).ToList();
        if (rows.Count != ids.Count)
        {
            throw new InvalidOperationException($"A row of {table.FullName} was there and is not found.");
        }

        foreach (var row in rows)
        {
            _ids.Dequeue();
            _found.Enqueue(row);
        }
    }

    private RawRow InOrder(RawRow row)
    {
        Last = row.Number > Last ? row.Number : throw new InvalidOperationException($"The rows of {table.FullName} do not come in their order.");
        return row;
    }

    private static RawRow Read(DuckDBDataReader row, IReadOnlyList<SourceColumn> columns)
    {
        var values = new object?[columns.Count];
        for (int i = 0, at = 1; i < values.Length; i++, at++)
        {
            switch (columns[i].Kind)
            {
                case ColumnKind.LocalTime or ColumnKind.UtcTime:
                    values[i] = row.IsDBNull(at) ? row.IsDBNull(at + 1) ? null : new OddTime(row.GetString(at + 1)) : new Moment(row.GetInt64(at), columns[i].Kind == ColumnKind.UtcTime);
                    at++;
                    break;
                case var _ when row.IsDBNull(at):
                    break;
                case ColumnKind.Number:
                    values[i] = JsonNumber.From(row.GetString(at));
                    break;
                case ColumnKind.Boolean:
                    values[i] = row.GetBoolean(at);
                    break;
                case ColumnKind.List:
                    values[i] = row.GetFieldValue<List<string?>>(at);
                    break;
                default:
                    values[i] = row.GetString(at);
                    break;
            }
        }

        return new RawRow(row.GetInt64(0) + 1, columns, values);
    }

    private static List<SourceColumn> Read(FoundTable table) => [.. table.Columns.Where(c => c.Kind != ColumnKind.Left)];

    private static string Selected(IReadOnlyList<SourceColumn> columns) => columns.Count == 0 ? "NULL" : string.Join(", ", columns.Select(Expression));

    // A time is read as microseconds since 1970 beside, where no client could hold it, its text: the driver throws on
    // infinite ones. A JSON column is read as the text it is: it may hold what is no JSON.
    private static string Expression(SourceColumn column)
    {
        var name = SourceCatalogStore.Quoted(column.Name);
        return column.Kind switch
        {
            ColumnKind.LocalTime or ColumnKind.UtcTime => $"CASE WHEN {Ordinary(name, column)} THEN epoch_us({name}) END, CASE WHEN NOT {Ordinary(name, column)} THEN CAST({name} AS VARCHAR) END",
            ColumnKind.Boolean => name,
            ColumnKind.List => name,
            _ => $"CAST({name} AS VARCHAR)",
        };
    }

    // TIMESTAMP_NS reaches from 1677 to 2262.
    private static string Ordinary(string name, SourceColumn column) => column.Type switch
    {
        "TIMESTAMP_NS" => $"({name} BETWEEN CAST('1678-01-01' AS TIMESTAMP_NS) AND CAST('2261-12-31' AS TIMESTAMP_NS))",
        _ => $"({name} BETWEEN CAST('0002-01-01' AS {column.Type}) AND CAST('9998-12-31' AS {column.Type}))",
    };

    private void Close()
    {
        _reader?.Dispose();
        _command?.Dispose();
        (_reader, _command) = (null, null);
    }

    public void Dispose() => Close();
}
