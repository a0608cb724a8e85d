using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Which statements connections keep prepared: the first so many (<see cref="DatabaseOptions.PreparedStatements"/>) that ask for it, so that no connection gathers more.</summary>
/// <remarks>
/// By request, not by the driver's own automatism (<c>Max Auto Prepare</c>): that prepares together with the first execution, and where this one fails or is cancelled
/// before the server has described its rows, the next execution on the connection fails too (npgsql issue 6391; seen with 10.0.3 as "unexpected backend message DataRow").
/// </remarks>
public sealed class KeptStatements(IOptions<DatabaseOptions> options)
{
    private readonly ConcurrentDictionary<string, bool> _kept = new(StringComparer.Ordinal);

    /// <summary>Prepares a batch on its connection, unless it is there already or there is no room. Costs a round trip the first time on each connection.</summary>
    public async Task PrepareAsync(NpgsqlBatch batch, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (HasRoomFor(string.Concat(batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(c => c.CommandText))))
        {
            // Half prepared is what must not be.
            await batch.PrepareAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc cref="PrepareAsync(NpgsqlBatch, CancellationToken)"/>
    public async Task PrepareAsync(NpgsqlCommand command, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (HasRoomFor(command.CommandText))
        {
            await command.PrepareAsync(CancellationToken.None);
        }
    }

    private bool HasRoomFor(string text) => _kept.ContainsKey(text) || (_kept.Count < options.Value.PreparedStatements && _kept.TryAdd(text, true));
}
