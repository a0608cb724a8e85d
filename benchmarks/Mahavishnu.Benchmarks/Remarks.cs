using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>About 300 characters of prose with a few identifiers each: remarks that an agent keeps.</summary>
internal static class Remarks
{
    /// <param name="run">Begins each of them: another run, other memories.</param>
    public static List<NewMemory> Make(string run, int count, int first = 0) =>
        [.. Enumerable.Range(first, count).Select(i => new NewMemory
        {
            Type = MemoryTypes.All[i % MemoryTypes.All.Count],
            Source = "bench",
            Content = string.Create(CultureInfo.InvariantCulture,
                $"{run} {i}: the payment service retried order {i * 7919L % 100_003} after HttpRequestException in ChargeCard_{i % 97}; back-off was {i % 13} seconds. The reviewer asked to bound retries per customer, log the idempotency key, and keep the ledger entry {i * 31L % 9973} open until the gateway answers or the deadline passes."),
            Tags = ["bench", $"t{i % 10}"],
        })];

    /// <summary>Questions about them, every one another.</summary>
    public static IEnumerable<string> Questions()
    {
        for (var i = 0; ; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"why was order {i * 7919L % 100_003} retried in ChargeCard_{i % 97}");
        }
    }
}
