using Npgsql;

namespace Mahavishnu.Ingest;

/// <summary>One page of rows that come by their id.</summary>
internal static class RowPage
{
    /// <param name="command">Asks for one row more than <paramref name="limit"/>.</param>
    /// <returns>The page, and whether there is more.</returns>
    public static async Task<(IReadOnlyList<T> Items, bool More)> ReadAsync<T>(NpgsqlCommand command, int limit, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var items = new List<T>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (items.Count == limit)
            {
                return (items, true);
            }

            items.Add(read(row));
        }

        return (items, false);
    }
}
