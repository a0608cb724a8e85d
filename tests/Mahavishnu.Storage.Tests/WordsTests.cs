using System.Globalization;

namespace Mahavishnu.Storage.Tests;

/// <summary>What a text is found by: <c>mahavishnu_words</c> and the column made of it.</summary>
public sealed class WordsTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

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

    /// <summary>Overlapping pairs, and the last letter of a run alone.</summary>
    [Theory]
    [InlineData("数据库连接超时", "数据", "据库", "连接", "超时", "时")]
    [InlineData("データベースの接続", "デー", "ース", "接続", "続")]
    [InlineData("ฐานข้อมูล", "ฐา", "ข้", "มู", "ล")]
    [InlineData("데이터베이스가", "데이", "베이", "가")]
    [InlineData("𠀀𠀁𠀂", "𠀀𠀁", "𠀁𠀂", "𠀂")]
    [InlineData("PostgreSQL16の接続がreset", "postgresql16", "接続", "reset")]
    [InlineData("getUserByIdを呼ぶ", "getuserbyid", "user", "呼ぶ")]
    [InlineData("猫, Überraschung", "猫", "überraschung")]
    public async Task Scripts_without_spaces_are_found_by_pairs_of_letters(string text, params string[] lexemes)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        var found = await LexemesAsync(database, text);

        Assert.All(lexemes, lexeme => Assert.Contains(lexeme, found));
        Assert.DoesNotContain(found, lexeme => lexeme.Length > 4 && lexeme[0] > '\u0E00');
    }

    [Theory]
    [InlineData("数据库连接超时", "数据库", true)]
    [InlineData("数据库连接超时", "连接", true)]
    [InlineData("数据库连接超时", "据", true)]
    [InlineData("数据库连接超时", "时", true)]
    [InlineData("数据库连接超时", "数库", false)]
    [InlineData("ฐานข้อมูลล่ม", "ข้อมูล", true)]
    [InlineData("ฐานข้อมูลล่ม", "ระบบ", false)]
    [InlineData("データベースの接続", "接続", true)]
    [InlineData("데이터베이스가 느리다", "데이터베이스", true)]
    [InlineData("connection reset by peer", "the reset of connections", true)]
    [InlineData("connection reset by peer", "reset timeout", false)]
    [InlineData("it's a 'quoted' \\ text", "'quoted' \\", true)]
    public async Task All_words_of_a_text_are_asked_for_at_once(string stored, string asked, bool found)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        Assert.Equal(found, await database.ScalarAsync<bool>("SELECT mahavishnu_words('english', $1) @@ mahavishnu_all_words('english', $2)", stored, asked));
    }

    [Fact]
    public async Task Memories_that_were_there_before_get_their_pairs_with_the_upgrade_and_others_are_left_alone()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await new SchemaStore(database.DataSource, [.. SchemaStore.Migrations.Where(m => m.Number < 8)]).UpgradeAsync(Ct);
        foreach (var (title, content) in new[] { (null, "数据库连接超时"), ("接続", "a title alone"), (null, "Überraschung"), (null, "plain words") })
        {
            await database.ExecuteAsync(
                "INSERT INTO memories (id, memory_type, source_system, title, content, content_hash, occurred_at) VALUES (gen_random_uuid(), 'agent', 'test', nullif($1, ''), $2, '', now())", title ?? "", content);
        }

        var before = await database.RowsAsync("SELECT content, xmin::text FROM memories");
        await new SchemaStore(database.DataSource).UpgradeAsync(Ct);

        Assert.Equal(
            ["a title alone", "数据库连接超时"],
            (await database.RowsAsync("SELECT content FROM memories WHERE words @@ '连接 | 接続' ORDER BY content COLLATE \"C\"")).Select(r => (string)r[0]!));
        var after = (await database.RowsAsync("SELECT content, xmin::text FROM memories")).ToDictionary(r => (string)r[0]!, r => (string)r[1]!);
        Assert.Equal(["plain words", "Überraschung"], before.Where(r => after[(string)r[0]!] == (string)r[1]!).Select(r => (string)r[0]!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_a_text_without_words_nothing_is_asked_for()
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        Assert.True(await database.ScalarAsync<bool>("SELECT mahavishnu_all_words('english', 'to be or not to be -> !!') IS NULL"));
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

    [Fact]
    public async Task Four_mebibytes_in_one_run_of_letters_are_stored_whole()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var content = string.Concat(Enumerable.Range(0, 4 * 1024 * 1024 / 3).Select(i => (char)('\u4E00' + i * 7_919L * (i / 20_000 + 1) % 20_000)));

        var outcome = Assert.Single(await stores.WriteAsync(Stores.Draft(content)));

        Assert.Equal(content, (await stores.ReadAsync(outcome.Id))!.Content);
        Assert.True(await stores.Database.ScalarAsync<bool>("SELECT words @@ mahavishnu_all_words('english', $1) FROM memories", content[..10]));
    }

    /// <summary>Below the size from which the overflow is handled, nothing may overflow, however odd the text.</summary>
    [Theory]
    [InlineData("short words")]
    [InlineData("letters of three bytes")]
    [InlineData("names")]
    [InlineData("addresses")]
    [InlineData("hyphens")]
    [InlineData("pairs")]
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
            "pairs" => string.Concat(Enumerable.Range(0, 33_333).Select(i => (char)('\u4E00' + i * 7_919 % 20_000))),
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
