using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Gateway;

/// <summary>A search through the whole of this door before it says that it is ready: the proxy's way is compiled, and there is a connection to who answers searches.</summary>
internal static class DoorWarmUp
{
    private const int Times = 2;

    // Who hangs is asked again, as who is not there yet.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="HttpRequestException">Who answers searches is not there yet.</exception>
    public static async Task RunAsync(OwnDoor door, CancellationToken ct)
    {
        using var http = await door.OpenAsync(ct);
        if (http is null)
        {
            return;
        }

        http.Timeout = Patience;
        for (var i = 0; i < Times; i++)
        {
            // Words alone, among what nobody counts: a question that nobody asked must not be kept as one that was, nor what it finds as used.
            using var body = JsonContent.Create(new SearchRequest { Query = "warm up", Mode = SearchModes.Text, Types = [MemoryTypes.Rag], Limit = 1 }, options: WireJson.Strict);
            using var answer = await http.PostAsync(new Uri($"{Resources.Api}/{Resources.SearchRoute}", UriKind.Relative), body, ct);
            if ((int)answer.StatusCode >= StatusCodes.Status500InternalServerError)
            {
                throw new HttpRequestException($"A search was answered with {(int)answer.StatusCode}.", inner: null, answer.StatusCode);
            }
        }
    }
}
