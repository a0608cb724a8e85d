using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>What the synthetic projects have to do with each other: two circles of dependencies, groups of ten, and insights of each shared with one far away.</summary>
internal sealed class ProjectGraphStore(NpgsqlDataSource db)
{
    private const int GroupSize = 10;
    private const int Shares = 20;

    public async Task FillAsync(int projects, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        Add("""
            INSERT INTO project_dependencies (id, source_project, target_project, dependency_type)
            SELECT format('%s-%s', p.number, d.step), p.name, n.name, d.kind
            FROM unnest($1) WITH ORDINALITY AS p(name, number) CROSS JOIN (VALUES (1, $3), (7, $4)) AS d(step, kind)
            JOIN unnest($1) WITH ORDINALITY AS n(name, number) ON n.number = (p.number - 1 + d.step) % $2 + 1
            """);
        Add("INSERT INTO project_groups (id, name) SELECT format('group-%s', g), 'A group' FROM generate_series(0, ($2 - 1) / $3) AS g", GroupSize);
        Add("INSERT INTO project_group_members (group_id, project_id) SELECT format('group-%s', (p.number - 1) / $3), p.name FROM unnest($1) WITH ORDINALITY AS p(name, number)", GroupSize);
        Add("""
            INSERT INTO insight_shares (memory_id, project_id)
            SELECT m.id, n.name
            FROM unnest($1) WITH ORDINALITY AS p(name, number) JOIN unnest($1) WITH ORDINALITY AS n(name, number) ON n.number = (p.number - 1 + $2 / 2) % $2 + 1
            CROSS JOIN LATERAL (SELECT m.id FROM memories m WHERE m.project_id = p.name AND m.memory_type = 'insight' ORDER BY m.id LIMIT $3) m
            """, Shares);
        await batch.ExecuteNonQueryAsync(ct);

        void Add(string sql, int? number = null)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. Enumerable.Range(0, projects).Select(n => SyntheticMemory.ProjectName(n, projects))] });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = projects });
            if (number is { } n)
            {
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = n });
            }
            else
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DependencyKinds.Uses });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DependencyKinds.Extends });
            }

            batch.BatchCommands.Add(command);
        }
    }
}
