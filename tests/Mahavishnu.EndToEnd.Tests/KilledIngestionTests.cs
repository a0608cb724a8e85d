using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>kill -9 in the middle of an ingestion, again and again: nothing is lost, nothing is there twice, nothing stays claimed.</summary>
public sealed class KilledIngestionTests(PostgresFixture postgres)
{
    private const int Files = 600;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task After_three_kills_every_chunk_is_there_exactly_once(string deployment)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        Fill(roots);
        // Small transactions and claims: more moments to be killed at. A short lease: the work of the dead is taken over soon.
        await using var system = Deployments.Make(
            deployment, database.ConnectionString, roots, ("Ingest__Repositories__ChunksPerTransaction", "20"), ("Embedding__ClaimItems", "20"), ("Embedding__LeaseSeconds", "2"));
        await system.StartAsync();
        var operation = await system.Repositories.IngestAsync(new IngestRepositoryRequest { Path = Path.Combine(roots.Path, "repo"), RepoId = "killed" }, Ct);

        var written = 0;
        foreach (var _ in Enumerable.Range(0, 3))
        {
            // Somewhere in what is still to come.
            written = Random.Shared.Next(written, written + ((Files - written) / 2));
            await Eventually.Async(
                async () => await database.ScalarAsync<long>("SELECT count(*) FROM rag_files WHERE repo_id = 'killed'") > written, $"The first {written} files", TimeSpan.FromMinutes(2));
            await system.KillAsync();
            await system.RestartAsync();
        }

        var ended = (await Eventually.Async(() => LookAsync(system, operation.Id), o => o is not null && OperationStates.IsFinal(o.State), "The end of the ingestion", TimeSpan.FromMinutes(2)))!;
        Assert.True(ended.State == OperationStates.Completed, ended.Error?.Message);
        await Eventually.Async(
            async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "The embedding of all chunks", TimeSpan.FromMinutes(2));

        await IsWholeAsync(database, "killed");
        await IsAtRestAsync(database);
        await IsAsUndisturbedAsync(system, database, roots);
    }

    /// <returns>Null while the door has not yet noticed that the service behind it is back.</returns>
    private static async Task<Operation?> LookAsync(MahavishnuSystem system, Guid id)
    {
        try
        {
            return await system.Operations.GetAsync(id, Ct);
        }
        catch (ApiException e) when (e.Code == ErrorCodes.UpstreamUnavailable)
        {
            return null;
        }
    }

    /// <summary>Files and chunks name each other, and the ordinals of each file have no gap.</summary>
    private static async Task IsWholeAsync(TestDatabase database, string repo)
    {
        var counts = Assert.Single(await database.RowsAsync("""
            SELECT count(*), count(DISTINCT (m.metadata ->> 'path', m.metadata ->> 'ordinal')), count(DISTINCT m.metadata ->> 'path'),
                   (SELECT sum(chunks) FROM rag_files WHERE repo_id = $1), (SELECT count(DISTINCT id) FROM rag_files f CROSS JOIN unnest(f.memory_ids) AS id JOIN memories USING (id) WHERE f.repo_id = $1)
            FROM memories m WHERE m.repo_id = $1
            """, repo));
        var chunks = counts[0];
        Assert.Equal([chunks, chunks, (long)Files, chunks, chunks], counts);
        Assert.Empty(await database.RowsAsync("""
            SELECT metadata ->> 'path' FROM memories WHERE repo_id = $1
            GROUP BY 1 HAVING max((metadata ->> 'ordinal')::int) - min((metadata ->> 'ordinal')::int) + 1 <> count(*)
            """, repo));
    }

    private static async Task IsAtRestAsync(TestDatabase database)
    {
        var space = await database.ScalarAsync<short>("SELECT id FROM embedding_spaces WHERE state = 'active'");
        var vectors = $"embedding_{space.ToString(CultureInfo.InvariantCulture)}";
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM operations WHERE claim IS NOT NULL OR state IN ('queued', 'running')"));
        Assert.Equal(0, await database.ScalarAsync<long>($"SELECT count(*) FROM memories m WHERE NOT EXISTS (SELECT FROM {vectors} e WHERE e.memory_id = m.id)"));
        Assert.Equal(0, await database.ScalarAsync<long>($"SELECT count(*) FROM {vectors} e WHERE NOT EXISTS (SELECT FROM memories m WHERE m.id = e.memory_id)"));
    }

    /// <summary>The same folder, taken in without trouble, gives the same chunks.</summary>
    private static async Task IsAsUndisturbedAsync(MahavishnuSystem system, TestDatabase database, Folder roots)
    {
        var operation = await system.Repositories.IngestAsync(new IngestRepositoryRequest { Path = Path.Combine(roots.Path, "repo"), RepoId = "undisturbed" }, Ct);
        await Eventually.Async(() => system.Operations.GetAsync(operation.Id, Ct), o => o.State == OperationStates.Completed, "The undisturbed run", TimeSpan.FromMinutes(2));

        const string Chunks = "SELECT metadata ->> 'path', metadata ->> 'ordinal', content_hash FROM memories WHERE repo_id = ";
        Assert.Empty(await database.RowsAsync($"({Chunks}'killed' EXCEPT {Chunks}'undisturbed') UNION ALL ({Chunks}'undisturbed' EXCEPT {Chunks}'killed')"));
    }

    private static void Fill(Folder roots)
    {
        for (var file = 0; file < Files; file++)
        {
            var text = new System.Text.StringBuilder();
            for (var section = 0; section < 4; section++)
            {
                text.Append(CultureInfo.InvariantCulture, $"# Section {section} of page {file}\n\n");
                for (var word = 0; word < 300; word++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"word{(word * 7) + section}of{file} ").Append(word % 20 == 19 ? "\n" : "");
                }

                text.Append("\n\n");
            }

            roots.Write(FormattableString.Invariant($"repo/docs/{file % 20}/page{file}.md"), text.ToString());
        }
    }
}
