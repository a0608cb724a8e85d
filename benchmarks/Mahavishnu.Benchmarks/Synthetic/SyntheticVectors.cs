using System.Numerics.Tensors;

namespace Mahavishnu.Benchmarks;

/// <summary>
/// Vectors that lie as those of real texts do: in clusters of very different sizes, in far fewer directions than they have dimensions. An index over points
/// without structure says nothing about one over memories.
/// </summary>
internal static class SyntheticVectors
{
    public const int Dimensions = 768;

    private const ulong Seed = 0x5EED_0001;
    private const int Clusters = 1_000;
    private const int Directions = 128;

    // Chosen so that of 150,000 the nearest has a similarity of about 0.83 and the twentieth of about 0.78, as embeddings of short texts have.
    private const float Spread = 0.66f;
    private const float Noise = 0.1f;

    private static readonly float[] Spectrum = [.. Enumerable.Range(1, Directions).Select(k => 1 / MathF.Sqrt(k))];
    private static readonly float[][] Centres = [.. Enumerable.Range(0, Clusters).Select(c => Latent(new Draws(Seed, -1_000_000 - c)))];
    private static readonly double[] Sizes = MakeSizes();
    private static readonly float[][] Projection = [.. Enumerable.Range(0, Dimensions).Select(d => Normals(new Draws(Seed, -2_000_000 - d)))];

    /// <summary>The cluster that a row belongs to.</summary>
    public static int ClusterOf(long row)
    {
        var at = Array.BinarySearch(Sizes, new Draws(Seed + 1, row).Share());
        return Math.Min(Clusters - 1, at < 0 ? ~at : at);
    }

    /// <summary>The unit vector of a row; one of the same mixture that no row has for a negative number.</summary>
    public static float[] Of(long row)
    {
        var draws = new Draws(Seed + 2, row);
        var latent = Latent(draws);
        TensorPrimitives.MultiplyAdd(latent, Spread, Centres[ClusterOf(row)], latent);
        var vector = new float[Dimensions];
        for (var d = 0; d < Dimensions; d++)
        {
            vector[d] = TensorPrimitives.Dot(Projection[d], latent);
        }

        TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
        var noise = new Draws(Seed + 3, row);
        for (var d = 0; d < Dimensions; d++)
        {
            vector[d] += Noise / MathF.Sqrt(Dimensions) * noise.Normal();
        }

        TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
        return vector;
    }

    private static float[] Latent(Draws draws)
    {
        var latent = Normals(draws);
        TensorPrimitives.Multiply(latent, Spectrum, latent);
        return latent;
    }

    private static float[] Normals(Draws draws)
    {
        var normals = new float[Directions];
        for (var k = 0; k < Directions; k++)
        {
            normals[k] = draws.Normal();
        }

        return normals;
    }

    private static double[] MakeSizes()
    {
        var draws = new Draws(Seed, -3_000_000);
        var sizes = new double[Clusters];
        for (var c = 0; c < Clusters; c++)
        {
            sizes[c] = (c == 0 ? 0 : sizes[c - 1]) + Math.Exp(draws.Normal());
        }

        TensorPrimitives.Divide(sizes, sizes[^1], sizes);
        return sizes;
    }
}
