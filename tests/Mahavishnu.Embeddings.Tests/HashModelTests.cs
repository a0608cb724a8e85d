using System.Numerics.Tensors;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>The built-in model: what it promises about every text, and what it finds alike.</summary>
public sealed class HashModelTests
{
    // Places of the text's features with their values. If this or the digest changes, stored vectors no longer match new ones: then the model needs a new name.
    private const string GoldenText = "parse_url";
    private const string GoldenDigest = "02bda20050132fa0a3933c46dfc14c4af120e6aaeca128f5dca4a2f56fc47166";

    private static readonly (int Place, float Value)[] Golden =
    [
        (40, 0.36226177f), (44, -0.108678535f), (57, -0.108678535f), (106, -0.108678535f), (235, 0.108678535f), (310, 0.108678535f),
        (315, -0.108678535f), (329, 0.108678535f), (364, 0.36226177f), (370, -0.36226177f), (383, 0.108678535f), (404, 0.108678535f),
        (411, 0.108678535f), (451, 0.21735707f), (469, -0.36226177f), (485, 0.108678535f), (583, -0.108678535f), (590, 0.108678535f),
        (620, -0.108678535f), (621, 0.36226177f), (744, -0.36226177f),
    ];

    [Fact]
    public void The_golden_text_has_the_checked_in_vector()
    {
        var vector = Embed(GoldenText);
        var places = Enumerable.Range(0, vector.Length).Where(i => vector[i] != 0).Select(i => (i, vector[i])).ToArray();
        Assert.Equal(Golden, places);
    }

    [Fact]
    public void The_digest_names_exactly_these_vectors()
    {
        Assert.Equal(new EmbeddingModel("builtin", "builtin-hash-v1", GoldenDigest, 768, "cosine", "none"), HashModel.Info);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("?")]
    [InlineData("!!! ... ---\r\n\t")]
    [InlineData("\0")]
    [InlineData("a")]
    [InlineData("_")]
    [InlineData("\u0301")]
    [InlineData("a\u0301")]
    [InlineData("the")]
    [InlineData("検")]
    [InlineData("😀")]
    [InlineData("\ud800")]
    [InlineData("Returns the number of rows.")]
    public void Every_text_has_a_vector_of_length_one(string text)
    {
        Assert.Equal(1d, Math.Sqrt(Embed(text).Sum(v => (double)v * v)), 1e-6);
    }

    [Fact]
    public void No_single_word_is_a_zero_vector()
    {
        for (var i = 0; i < 20_000; i++)
        {
            Assert.Contains(Embed($"{(char)('a' + (i % 26))}{i}"), v => v != 0);
        }
    }

    [Fact]
    public void Different_texts_without_words_are_different_vectors()
    {
        string[] texts = ["", " ", "?", "??", "?!", "!?", "()", ")("];
        Assert.Equal(texts.Length, texts.Select(t => Convert.ToHexString(Bytes(Embed(t)))).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("parse_http_response", "parseHTTPResponse")]
    [InlineData("ParseHttpResponse", "parseHTTPResponse")]
    [InlineData("DÉJÀ VU", "deja vu")]
    [InlineData("de\u0301ja\u0300 vu", "déjà vu")]
    [InlineData("ＦＵＬＬ width", "full width")]
    [InlineData("ΩΜΈΓΑ", "ωμεγα")]
    [InlineData("ЁЛКА", "ёлка")]
    public void Spellings_of_one_word_are_one_vector(string one, string other)
    {
        Assert.Equal(Embed(one), Embed(other));
    }

    [Theory]
    [InlineData("how are addresses sorted", "def sort_address(list): pass", "class Cookie: name = None")]
    [InlineData("retry after a failed connection", "retries = 3; ConnectionFailed => Retry()", "render the page as html")]
    [InlineData("parse the http answer", "parseHTTPResponse(socket)", "open(file).read()")]
    [InlineData("検索", "全文検索エンジン", "画像処理")]
    public void What_shares_words_or_parts_of_them_is_nearer(string question, string near, string far)
    {
        Assert.True(Similarity(question, near) > Similarity(question, far) + 0.1);
    }

    [Fact]
    public void The_vector_of_a_text_does_not_depend_on_what_was_embedded_before_or_beside_it()
    {
        var texts = Enumerable.Range(0, 400).Select(i => string.Concat(Enumerable.Repeat($"word{i} and_{i * 7} ", (i % 9 * 40) + 1))).ToArray();
        var alone = texts.Select(t => Convert.ToHexString(Bytes(Embed(t)))).ToArray();
        using var generator = new HashEmbeddingGenerator();

        Parallel.For(0, 8, worker =>
        {
            var order = Enumerable.Range(0, texts.Length).OrderBy(i => (i * (worker + 3)) % 101).ToArray();
            var together = generator.GenerateAsync(order.Select(i => texts[i]), cancellationToken: TestContext.Current.CancellationToken).GetAwaiter().GetResult();
            for (var i = 0; i < order.Length; i++)
            {
                Assert.Equal(alone[order[i]], Convert.ToHexString(Bytes(together[i].Vector.ToArray())));
            }
        });
    }

    [Fact]
    public void A_warm_model_allocates_nothing()
    {
        var bag = new FeatureBag();
        var vector = new float[HashModel.Dimensions];
        var text = string.Concat(Enumerable.Repeat("public static int CountOf(string theText) => 42; // naïve 検索\n", 100));
        HashModel.Embed(text, vector, bag);
        HashModel.Embed(text, vector, bag);

        var before = GC.GetAllocatedBytesForCurrentThread();
        HashModel.Embed(text, vector, bag);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_text_of_megabytes_is_embedded_whole()
    {
        var random = 1u;
        var text = new StringBuilder();
        while (text.Length < 4 << 20)
        {
            random = (random * 1664525) + 1013904223;
            text.Append(random >> 8).Append('x');
        }

        Assert.Equal(1d, Math.Sqrt(Embed(text.ToString()).Sum(v => (double)v * v)), 1e-6);
    }

    [Fact]
    public async Task Another_model_or_another_length_is_refused()
    {
        using var generator = new HashEmbeddingGenerator();
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["x"], new() { ModelId = "nomic-embed-text" }, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["x"], new() { Dimensions = 384 }, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<OperationCanceledException>(() => generator.GenerateAsync(["x"], cancellationToken: new CancellationToken(canceled: true)));
    }

    private static float[] Embed(string text)
    {
        var vector = new float[HashModel.Dimensions];
        HashModel.Embed(text, vector, new FeatureBag());
        return vector;
    }

    private static float Similarity(string one, string other) => TensorPrimitives.Dot(Embed(one), Embed(other));

    private static byte[] Bytes(float[] vector) => [.. vector.SelectMany(BitConverter.GetBytes)];
}
