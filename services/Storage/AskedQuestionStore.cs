using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>A question that was asked, and how it was answered.</summary>
/// <param name="ProjectId">The project that asked; null: of everything.</param>
/// <param name="BestSimilarity">Of what was found; null where nothing was compared.</param>
/// <param name="Model">What it was compared by.</param>
public sealed record AskedQuestion(string Question, string? ProjectId, int Hits, double? BestSimilarity, string? Model, DateTimeOffset AskedAt);

/// <summary>Questions with how often they were asked and how well they were answered.</summary>
public sealed class AskedQuestionStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Counts questions, and keeps of all of them the <paramref name="most"/> asked last, none longer than <paramref name="age"/>.</summary>
    public async Task AddAsync(IReadOnlyCollection<AskedQuestion> questions, int most, TimeSpan age, CancellationToken ct)
    {
        // One order for everybody: two writers with the same questions must not wait for each other in a circle.
        var rows = questions.GroupBy(q => (Project: q.ProjectId ?? "", Key: KeyOf(q.Question)))
            .OrderBy(g => g.Key.Project, StringComparer.Ordinal).ThenBy(g => g.Key.Key, StringComparer.Ordinal)
            .Select(g => (g.Key.Project, g.Key.Key, Last: g.MaxBy(q => q.AskedAt)!, First: g.Min(q => q.AskedAt), Asked: g.LongCount(), Unanswered: g.LongCount(q => q.Hits == 0)))
            .ToList();
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            INSERT INTO asked_questions AS q (tenant_id, project_id, question_key, question, asked, unanswered, hits, best_similarity, model, first_at, last_at)
            SELECT $1, n.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS n
            ON CONFLICT (tenant_id, project_id, question_key) DO UPDATE
            SET question = excluded.question, asked = q.asked + excluded.asked, unanswered = q.unanswered + excluded.unanswered, hits = excluded.hits,
                best_similarity = excluded.best_similarity, model = excluded.model, last_at = greatest(q.last_at, excluded.last_at)
            """)
        {
            Parameters =
            {
                Text(tenant.Current), Texts(rows.Select(r => r.Project)), new NpgsqlParameter<byte[][]> { TypedValue = [.. rows.Select(r => Convert.FromHexString(r.Key))] },
                Texts(rows.Select(r => r.Last.Question)), new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(r => r.Asked)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(r => r.Unanswered)] }, new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(r => r.Last.Hits)] },
                new NpgsqlParameter<double?[]> { TypedValue = [.. rows.Select(r => r.Last.BestSimilarity)] }, new NpgsqlParameter<string?[]> { TypedValue = [.. rows.Select(r => r.Last.Model)] },
                Times(rows.Select(r => r.First)), Times(rows.Select(r => r.Last.AskedAt)),
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            DELETE FROM asked_questions WHERE tenant_id = $1 AND (last_at < now() - $3 OR (project_id, question_key) IN (
                SELECT project_id, question_key FROM asked_questions WHERE tenant_id = $1 ORDER BY last_at DESC, project_id, question_key OFFSET $2))
            """)
        {
            Parameters = { Text(tenant.Current), new NpgsqlParameter<int> { TypedValue = most }, new NpgsqlParameter<TimeSpan> { TypedValue = age } },
        });
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// What a project asked more than once and was answered badly, what it asked most first: where nothing was found, or where the best that was found is among the worst of
    /// all questions that the same model compared. There is no similarity that is bad with every model.
    /// </summary>
    /// <param name="least">How often it was asked, at least.</param>
    /// <param name="share">Which part of all questions is the worst, 0 to 1.</param>
    public async Task<IReadOnlyList<KnowledgeGap>> GapsAsync(string projectId, DateTimeOffset since, int least, double share, int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT q.question, q.asked, q.unanswered, q.best_similarity, q.last_at
            FROM (
                SELECT a.*, rank() OVER (PARTITION BY a.model ORDER BY a.best_similarity) AS place, count(a.best_similarity) OVER (PARTITION BY a.model) AS compared
                FROM asked_questions a WHERE a.tenant_id = $1) q
            WHERE q.project_id = $2 AND q.last_at >= $3 AND q.asked >= $4 AND (q.hits = 0 OR q.best_similarity IS NOT NULL AND q.place <= floor(q.compared * $5))
            ORDER BY q.asked DESC, q.best_similarity NULLS FIRST, q.last_at DESC, q.question_key LIMIT $6
            """);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(projectId), Time(since), new NpgsqlParameter<int> { TypedValue = least }, new NpgsqlParameter<double> { TypedValue = share },
            new NpgsqlParameter<int> { TypedValue = limit },
        });
        var gaps = new List<KnowledgeGap>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            gaps.Add(new KnowledgeGap(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetDouble(3), row.GetFieldValue<DateTimeOffset>(4)));
        }

        return gaps;
    }

    /// <summary>The same for the same words in the same order; of a question without any, the question itself.</summary>
    private static string KeyOf(string question)
    {
        var words = new StringBuilder(question.Length);
        foreach (var c in question.ToLowerInvariant())
        {
            if (char.IsWhiteSpace(c) || char.IsPunctuation(c))
            {
                if (words.Length > 0 && words[^1] != ' ')
                {
                    words.Append(' ');
                }
            }
            else
            {
                words.Append(c);
            }
        }

        var key = words.ToString().TrimEnd();
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key.Length == 0 ? question : key)));
    }

    private static NpgsqlParameter Times(IEnumerable<DateTimeOffset> times) => new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. times.Select(t => t.ToUniversalTime())] };
}
