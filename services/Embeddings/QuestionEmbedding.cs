using System.Numerics.Tensors;
using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>How questions become vectors: one each, however long.</summary>
public static class QuestionEmbedding
{
    // Room for one call of most servers; a comparison asks hundreds of questions.
    private const int TextsPerCall = 32;

    /// <summary>One vector for each question, of the space's dimensions; of a question longer than the model's input the middle of its parts'.</summary>
    /// <exception cref="EmbeddingModelException">The model is not what it was, or answered with something else than it should.</exception>
    public static async Task<IReadOnlyList<float[]>> EmbedQuestionsAsync(this EmbeddingClient client, IReadOnlyList<string> questions, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(questions);
        var parts = questions.Select(q => TextParts.Split(q, client.MaxInputTokens, client.Tokens)).ToList();
        var vectors = new List<ReadOnlyMemory<float>>();
        foreach (var texts in parts.SelectMany(p => p).Chunk(TextsPerCall))
        {
            var embeddings = await client.Questions.GenerateAsync(texts, cancellationToken: ct);
            vectors.AddRange(embeddings.Select(e => e.Vector));
            if (embeddings.Count != texts.Length)
            {
                throw new EmbeddingModelException(EmbeddingReasons.WrongCount, $"{texts.Length} texts went in, {embeddings.Count} vectors came out.");
            }
        }

        if (vectors.FindIndex(v => v.Length != client.Model.Dimensions) is >= 0 and var other)
        {
            throw new EmbeddingModelException(EmbeddingReasons.WrongDimensions,
                $"A vector of {vectors[other].Length} values came from {client.Model.Model}, whose space has {client.Model.Dimensions}.");
        }

        // Only now: a model replaced while it worked must not be compared with the vectors of the one before.
        await client.VerifyAsync(ct);
        var next = 0;
        return [.. parts.Select(p => Middle(vectors.GetRange(next, p.Count), ref next))];
    }

    private static float[] Middle(List<ReadOnlyMemory<float>> vectors, ref int next)
    {
        next += vectors.Count;
        var middle = vectors[0].ToArray();
        foreach (var vector in vectors.Skip(1))
        {
            TensorPrimitives.Add(middle, vector.Span, middle);
        }

        TensorPrimitives.Divide(middle, vectors.Count, middle);
        return middle;
    }
}
