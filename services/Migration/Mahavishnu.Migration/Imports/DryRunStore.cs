using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Migration;

/// <summary>A dry run: counts what an import would do, against what is there and what the same files would have brought by then.</summary>
internal sealed class DryRunStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Opens the books of one run: a table of a single connection's own, so that memory does not grow with the file and nothing is left behind.</summary>
    public async Task<Books> OpenAsync(CancellationToken ct)
    {
        var connection = await db.OpenConnectionAsync(ct);
        try
        {
            await using var command = new NpgsqlCommand("CREATE TEMP TABLE seen (name text PRIMARY KEY)", connection);
            await command.ExecuteNonQueryAsync(ct);
            return new Books(connection, tenant);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    internal sealed class Books(NpgsqlConnection connection, TenantScope tenant) : IImportTarget, IAsyncDisposable
    {
        private const string Memory = "memory";

        public async Task<TableState> WriteAsync(TableState table, ImportBatch batch, double seconds, CancellationToken ct)
        {
            var counts = new TableCounts();
            var texts = await NewAsync(Memory, [.. batch.Rows.Select(Key).OfType<string>()], ct);
            var objects = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
            foreach (var kind in batch.Rows.Select(Object).OfType<(string Kind, string Id)>().GroupBy(o => o.Kind, o => o.Id, StringComparer.Ordinal))
            {
                objects[kind.Key] = await NewAsync(kind.Key, [.. kind], ct);
            }

            foreach (var row in batch.Rows)
            {
                counts += Count(row, texts, objects);
            }

            return table with { Cursor = batch.Last, Counts = table.Counts + counts, Seconds = table.Seconds + seconds };
        }

        public Task<TableState> FinishAsync(TableState table, double seconds, CancellationToken ct) =>
            Task.FromResult(table with { Finished = true, Seconds = table.Seconds + seconds });

        public async ValueTask DisposeAsync()
        {
            // Back in the pool it would be somebody else's.
            await using (var command = new NpgsqlCommand("DROP TABLE IF EXISTS pg_temp.seen", connection))
            {
                try
                {
                    await command.ExecuteNonQueryAsync(CancellationToken.None);
                }
                catch (NpgsqlException)
                {
                    // The connection is gone, and the table with it.
                }
            }

            await connection.DisposeAsync();
        }

        private static TableCounts Count(SourceRow row, HashSet<string> texts, Dictionary<string, HashSet<string>> objects)
        {
            switch (row)
            {
                case RejectedRow:
                    return new TableCounts { Rejected = 1 };
                case JoinedRow:
                    return new TableCounts { Imported = 1 };
                case TextRow text:
                    return One(texts.Remove(text.Draft.DedupeKey!));
                case EdgeRow { ByName: true } edge:
                    objects[ObjectStore.Edge].Remove(edge.Edge.Id);
                    texts.Remove(edge.Sentence.DedupeKey!);
                    return new TableCounts { Rejected = 1, ByName = 1 };
                case EdgeRow edge:
                    var sentence = texts.Remove(edge.Sentence.DedupeKey!);
                    return One(objects[ObjectStore.Edge].Remove(edge.Edge.Id)) with { SentencesImported = sentence ? 1 : 0, SentencesDuplicate = sentence ? 0 : 1 };
                default:
                    var (kind, id) = Object(row)!.Value;
                    return One(objects[kind].Remove(id));
            }
        }

        private static TableCounts One(bool isNew) => new() { Imported = isNew ? 1 : 0, Duplicate = isNew ? 0 : 1 };

        private static string? Key(SourceRow row) => row switch
        {
            TextRow text => text.Draft.DedupeKey,
            EdgeRow edge => edge.Sentence.DedupeKey,
            _ => null,
        };

        private static (string Kind, string Id)? Object(SourceRow row) => row switch
        {
            EntityRow entity => (ObjectStore.Entity, entity.Entity.Id),
            EdgeRow edge => (ObjectStore.Edge, edge.Edge.Id),
            GroupRow group => (ObjectStore.Group, group.Id),
            DependencyRow dependency => (ObjectStore.Dependency, dependency.Id),
            SessionLinkRow link => (ObjectStore.SessionLink, link.Id),
            CausalLinkRow link => (ObjectStore.CausalLink, link.Id),
            _ => null,
        };

        /// <summary>Which of these neither the target has nor an earlier row of this run would have brought.</summary>
        private async Task<HashSet<string>> NewAsync(string kind, string[] ids, CancellationToken ct)
        {
            var there = kind == Memory ? "SELECT FROM memories t WHERE t.tenant_id = $1 AND t.dedupe_key = n.id" : $"SELECT FROM {ObjectStore.TableOf(kind)} t WHERE t.tenant_id = $1 AND t.id = n.id";
            await using var command = SqlText.Command($"""
                INSERT INTO pg_temp.seen (name)
                SELECT DISTINCT $3 || n.id FROM unnest($2) AS n(id) WHERE NOT EXISTS ({there})
                ON CONFLICT DO NOTHING RETURNING substr(name, length($3) + 1)
                """, connection);
            command.Parameters.AddRange(new[]
            {
                new NpgsqlParameter { Value = tenant.Current, NpgsqlDbType = NpgsqlDbType.Text }, new NpgsqlParameter<string[]> { TypedValue = ids },
                new NpgsqlParameter { Value = ObjectStore.Name(kind, ""), NpgsqlDbType = NpgsqlDbType.Text },
            });
            var fresh = new HashSet<string>(StringComparer.Ordinal);
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                fresh.Add(row.GetString(0));
            }

            return fresh;
        }
    }
}
