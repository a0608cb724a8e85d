using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>Listings that come in pages.</summary>
internal static class Paging
{
    /// <summary>Everything there is, or the first <paramref name="most"/> of it.</summary>
    /// <param name="ask">From a cursor, null for the beginning, to its page.</param>
    public static async Task<IReadOnlyList<T>> AllAsync<T>(Func<string?, Task<Page<T>>> ask, int most = int.MaxValue)
    {
        var items = new List<T>();
        string? cursor = null;
        do
        {
            var page = await ask(cursor);
            items.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null && items.Count < most);
        return items.Count > most ? items[..most] : items;
    }
}
