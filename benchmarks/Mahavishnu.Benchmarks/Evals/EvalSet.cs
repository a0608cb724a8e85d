using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>A question whose answer is known.</summary>
/// <param name="Evidence">The documents that answer it, by their place in the set.</param>
internal sealed record EvalQuestion(string Category, string Text, IReadOnlyList<int> Evidence);

/// <summary>Documents and questions about them.</summary>
internal sealed record EvalSet(string Name, IReadOnlyList<NewMemory> Documents, IReadOnlyList<EvalQuestion> Questions)
{
    /// <summary>An id that a document has in every run: what scores the same is ordered by it.</summary>
    public static string Identify(string text)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true).ToString();
    }
}

/// <summary>What is kept of the answers to a set's questions: shares of the evidence among the first 5, 10 and 20, and one over the place of the first of it, where that is 10 or better.</summary>
internal sealed record EvalScore(double At5, double At10, double At20, double Mrr)
{
    /// <summary>Results deep enough for every figure.</summary>
    public const int Depth = 20;

    public static EvalScore Of(EvalQuestion question, IReadOnlyList<int> ranked)
    {
        var first = ranked.Take(10).Index().Where(r => question.Evidence.Contains(r.Item)).Select(r => r.Index + 1).FirstOrDefault();
        return new EvalScore(Recall(5), Recall(10), Recall(20), first == 0 ? 0 : 1.0 / first);

        double Recall(int depth) => ranked.Take(depth).Intersect(question.Evidence).Count() / (double)question.Evidence.Count;
    }

    public static EvalScore Mean(IReadOnlyCollection<EvalScore> scores) =>
        new(scores.Average(s => s.At5), scores.Average(s => s.At10), scores.Average(s => s.At20), scores.Average(s => s.Mrr));
}
