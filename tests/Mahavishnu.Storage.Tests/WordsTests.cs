using System.Globalization;

namespace Mahavishnu.Storage.Tests;

/// <summary>What a text is found by: <c>mahavishnu_words</c> and the column made of it.</summary>
public sealed class WordsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("getUserById", "get", "user", "id", "getuserbyid")]
    [InlineData("get_user_by_id", "get", "user", "id", "getuserbyid")]
    [InlineData("GET_USER_BY_ID", "get", "user", "id", "getuserbyid")]
    [InlineData("XMLHttpRequest", "xml", "http", "request", "xmlhttprequest")]
    [InlineData("parseJSON", "pars", "json", "parsejson")]
    [InlineData("http.client", "http", "client")]
    [InlineData("Mahavishnu.Storage.SchemaStore", "mahavishnu", "storag", "schema", "store", "schemastor")]
    [InlineData("src/auth/token_store.py", "src", "auth", "token", "store", "py", "tokenstor")]
    [InlineData("C:\\work\\readMe.md", "work", "read", "md")]
    [InlineData("version 2.5.1", "2.5.1")]
    [InlineData("Task<MemoryDraft> One(List<string> x)", "task", "memori", "draft", "memorydraft", "list", "string")]
    [InlineData("<script src=app.js></script> behind <b>it</b>", "script", "app", "js", "behind", "b")]
    [InlineData("<style> body { margin: 0 } </style> text", "margin", "style", "text")]
    [InlineData("pointer = &buffer; a &lt; b", "pointer", "buffer", "lt")]
    [InlineData("the connections were leaking", "connect", "leak")]
    [InlineData("naïve Überraschung", "naïv", "überraschung")]
    public async Task A_text_is_found_by_its_words_and_its_names_by_their_parts(string text, params string[] lexemes)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        var found = await LexemesAsync(database, text);

        Assert.All(lexemes, lexeme => Assert.Contains(lexeme, found));
    }

    [Theory]
    [InlineData("getUserById", "get_user_by_id")]
    [InlineData("HTTPServer", "http_server")]
    [InlineData("maxConnections", "MAX_CONNECTIONS")]
    public async Task A_name_is_the_same_in_every_spelling(string one, string other)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        Assert.Equal(await LexemesAsync(database, one), await LexemesAsync(database, other));
    }

    [Fact]
    public async Task A_name_stays_whole_too_so_that_it_beats_its_parts_apart()
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        Assert.DoesNotContain("getuserbyid", await LexemesAsync(database, "get the user by id"));
    }

    [Fact]
    public async Task A_word_of_the_title_weighs_more_than_one_of_the_content()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await stores.WriteAsync(
            Stores.Draft("some text about a pelican") with { Title = "nothing" },
            Stores.Draft("some text about nothing") with { Title = "pelican" });

        var titles = await stores.Database.RowsAsync("SELECT title FROM memories ORDER BY ts_rank(words, 'pelican') DESC");

        Assert.Equal(["pelican", "nothing"], titles.Select(t => (string)t[0]!));
        Assert.Contains(":1B", await stores.Database.ScalarAsync<string>("SELECT words::text FROM memories WHERE title = 'pelican'"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Four_mebibytes_of_different_words_are_stored_whole_and_indexed_as_far_as_they_fit()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var content = Unique(4 * 1024 * 1024, i => "w" + i.ToString("x", CultureInfo.InvariantCulture));

        var outcome = Assert.Single(await stores.WriteAsync(Stores.Draft(content) with { Title = "a long list" }));

        Assert.Equal(content, (await stores.ReadAsync(outcome.Id))!.Content);
        Assert.True(await stores.Database.ScalarAsync<bool>("SELECT words @@ 'w1' AND words @@ 'list' FROM memories"));
    }

    /// <summary>Below the size from which the overflow is handled, nothing may overflow, however odd the text.</summary>
    [Theory]
    [InlineData("short words")]
    [InlineData("letters of three bytes")]
    [InlineData("names")]
    [InlineData("addresses")]
    [InlineData("hyphens")]
    [InlineData("one word")]
    [InlineData("numbers")]
    public async Task A_text_just_below_the_size_that_is_handled_with_care_fits(string kind)
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var content = kind switch
        {
            "short words" => Unique(99_999, i => ToLetters(i, 'a', 26)),
            "letters of three bytes" => Unique(99_999, i => ToLetters(i, '一', 5_000)),
            "names" => Unique(99_999, i => $"aB{i.ToString(CultureInfo.InvariantCulture)}_c"),
            "addresses" => Unique(99_999, i => $"a{i.ToString(CultureInfo.InvariantCulture)}.io/b/{i.ToString(CultureInfo.InvariantCulture)}"),
            "hyphens" => Unique(99_999, i => $"a{i.ToString(CultureInfo.InvariantCulture)}-b-c-d"),
            "one word" => new string('x', 99_999),
            _ => Unique(99_999, i => (i * 1.5).ToString(CultureInfo.InvariantCulture)),
        };

        var outcome = Assert.Single(await stores.WriteAsync(Stores.Draft(content)));

        Assert.Equal(WriteStatus.Created, outcome.Status);
    }

    /// <summary>Words made by <paramref name="word"/>, up to as many bytes of UTF-8.</summary>
    private static string Unique(int bytes, Func<int, string> word)
    {
        var text = new System.Text.StringBuilder();
        var size = 0;
        for (var i = 0; ; i++)
        {
            var next = word(i) + " ";
            size += System.Text.Encoding.UTF8.GetByteCount(next);
            if (size > bytes)
            {
                return text.ToString();
            }

            text.Append(next);
        }
    }

    private static string ToLetters(int number, char first, int count)
    {
        var letters = "";
        do
        {
            letters = (char)(first + (number % count)) + letters;
            number /= count;
        }
        while (number > 0);
        return letters;
    }

    private static async Task<IReadOnlyList<string>> LexemesAsync(TestDatabase database, string text) =>
        (await database.ScalarAsync<string[]>("SELECT tsvector_to_array(mahavishnu_words('english', $1))", text))!;
}
