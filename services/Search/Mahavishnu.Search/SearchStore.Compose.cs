using System.Globalization;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>How the statement is put together: the two arms, each with its candidates.</summary>
internal sealed partial class SearchStore
{
    // What the index's scan keeps in view. A memory may have several parts among the nearest, and a relaxed scan wants more rows to sort than it is asked for.
    private static int InView(SearchPlan plan) => Math.Max(plan.Tuning.EfSearch, plan.Tuning.Candidates * 3 / 2);

    // Less than what the scan keeps in view anyway is not cheaper, unless a filter leaves little of it: then the scan goes on until it has as many. Where nothing but nearness decides, the hits are
    // the first of them, and the others would be found for nothing.
    private static int Fetch(SearchPlan plan) => OnlyNearnessCounts(plan) ? Math.Min(InView(plan), Math.Max(40, plan.Question.Limit * 5 / 2)) : InView(plan);

    /// <summary>The share of the usual walk through the index that is enough for a search.</summary>
    internal static double Walked(SearchPlan plan) => (double)Fetch(plan) / InView(plan);

    private static bool OnlyNearnessCounts(SearchPlan plan) => plan is { Exact: false, Words: false, Question: { GroupBy: Grouping.None, HalfLife: null, Across: null } };

    internal NpgsqlBatchCommand Compose(SearchPlan plan)
    {
        var command = new NpgsqlBatchCommand();
        var p = new Parameters(command.Parameters);
        var scope = new Scope(plan.Question, plan.Languages, p, tenant.Current);
        var vector = plan.Vector is { } v ? p.Vector(v) : null;
        var arms = new List<string>();
        if (plan.Words)
        {
            arms.Add(TextArm(plan, scope, p));
        }

        if (vector is not null)
        {
            arms.Add(VectorArm(plan, scope, vector, p));
        }

        command.CommandText = $"WITH {string.Join(",\n", arms)},\n{Ranking(plan, scope, vector, p)}";
        return command;
    }

    // In the text of the statement, where a plan for any values sees it too: how many rows are wanted decides whether the index is worth it.
    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// The nearest vectors, and of each memory its nearest part. ORDER BY is the bare operator over the index's own expression, or it is not used; the
    /// index's order is approximate (relaxed), hence the sort afterwards. Memories that are no longer there are sorted out later, unless memories must
    /// be asked anyway.
    /// </summary>
    private static string VectorArm(SearchPlan plan, Scope scope, string vector, Parameters p)
    {
        var space = plan.Space!;
        var all = $"e.embedding {space.Operator} {vector}";
        var nearest = space.IndexedDistance("e.embedding", vector);
        var memories = scope.VectorsSayAll ? "" : " JOIN memories m ON m.tenant_id = e.tenant_id AND m.id = e.memory_id";
        return $"""
            nearest AS MATERIALIZED ({scope.Each(branch =>
            {
                var exact = plan.Exact || plan.Narrow || branch.Few;
                var distance = exact ? all : nearest;
                return $"""

                    SELECT e.memory_id AS id, {distance} AS distance FROM {space.Table} e{memories}
                    WHERE {branch.Vectors}{(scope.VectorsSayAll ? "" : $" AND {branch.Memories}")}
                    ORDER BY {(exact ? $"({distance}) + 0" : distance)} LIMIT {Number(Fetch(plan))}
                    """;
            })}),
            by_vector AS MATERIALIZED (
                SELECT id, min(distance) AS distance FROM nearest GROUP BY id ORDER BY min(distance), id LIMIT {p.Int(plan.Tuning.Candidates)})
            """;
    }
}
