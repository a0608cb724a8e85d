using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>What the words of a question find: phrases, exclusions, beginnings, names, questions of stop words, other languages and scripts.</summary>
public sealed class WordsSearchTests(PostgresFixture postgres)
{
    private static SearchRequest Words(string query) => new() { Query = query, Mode = SearchModes.Text, Limit = 50 };

    [Theory]
    [InlineData("text")]
    [InlineData("vector")]
    [InlineData("hybrid")]
    public async Task A_quoted_phrase_stands_in_what_is_found_as_it_is(string mode)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var exact = await world.RememberAsync("The proxy says: connection reset by peer (104).");
        var broken = await world.RememberAsync("Again a CONNECTION reset\n  by peer, after the upgrade");
        var title = SearchWorld.Draft("see above") with { Title = "connection reset by peer" };
        await world.RememberAsync([
            title, SearchWorld.Draft("the peer's connection was reset by the proxy"), SearchWorld.Draft("connection reset by peers"), SearchWorld.Draft("reconnection reset by peer")]);

        var found = await world.IdsAsync(new SearchRequest { Query = "\"connection reset by peer\"", Mode = mode });
        var all = await world.IdsAsync(new SearchRequest { Query = "connection reset by peer", Mode = mode });

        Assert.Equal(new HashSet<Guid> { exact, broken, title.Id }, found.ToHashSet());
        Assert.Equal(6, all.Count);
    }

    [Theory]
    [InlineData("\"C++\"", "a C++ compiler", "a C compiler")]
    [InlineData("\"->\"", "a -> b", "a > b")]
    [InlineData("error \"0x80070005\"", "error 0x80070005: access denied", "error 0x80070006: bad handle")]
    [InlineData("\"2.5\"", "version 2.5.1 is out", "version 3.5 is out")]
    [InlineData("\"to be or not to be\"", "To be, or not? He said: to be or not to be!", "not to be or to be")]
    [InlineData("\"it's 100%\"", "it's 100% done", "its 100 done")]
    [InlineData("\"foo.bar(baz)\"", "call foo.bar(baz) first", "call foo.bar(qux) with baz first")]
    [InlineData("\"reset-by\"", "a connection-reset-by-peer error", "a connection reset by peer error")]
    [InlineData("\"连接超时\"", "数据库连接超时了", "数据库超时连接")]
    public async Task Signs_count_in_quotes(string query, string match, string other)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var id = await world.RememberAsync(match);
        await world.RememberAsync(other);

        Assert.Equal([id], await world.IdsAsync(Words(query)));
        Assert.Equal([id], await world.IdsAsync(new SearchRequest { Query = query }));
    }

    [Fact]
    public async Task What_has_a_dash_before_it_is_not_found()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var docker = await world.RememberAsync("deployment with docker");
        var kubernetes = await world.RememberAsync("deployment with Kubernetes");
        var both = await world.RememberAsync("deployment with docker, then with kubernetes");
        var forced = await world.RememberAsync("deployment with --force");

        foreach (var mode in SearchModes.All)
        {
            var without = await world.IdsAsync(new SearchRequest { Query = "deployment -kubernetes", Mode = mode });
            var phrase = await world.IdsAsync(new SearchRequest { Query = "deployment -\"with docker\"", Mode = mode });
            var stopWord = await world.IdsAsync(new SearchRequest { Query = "deployment -then -the", Mode = mode });
            var flag = await world.IdsAsync(new SearchRequest { Query = "deployment --force", Mode = mode });

            Assert.Equal(new HashSet<Guid> { docker, forced }, without.ToHashSet());
            Assert.Equal(new HashSet<Guid> { kubernetes, forced }, phrase.ToHashSet());
            Assert.Equal(4, stopWord.Count);
            Assert.Equal(4, flag.Count);
            Assert.Contains(both, flag);
        }
    }

    [Fact]
    public async Task A_question_of_exclusions_alone_is_refused()
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        var (status, body) = await world.PostAsync("""{"query":"-kubernetes -\"docker swarm\""}""");

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, status);
        Assert.Equal("The question only says what must not be there; it needs a word to look for as well.", (string?)body["errors"]!["query"]![0]);
    }

    [Fact]
    public async Task One_short_word_finds_what_begins_with_it_after_the_word_itself()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var deployment = await world.RememberAsync("the deployment of friday");
        var word = await world.RememberAsync("deplo is no word");
        await world.RememberAsync("nothing of the kind");

        Assert.Equal([word, deployment], await world.IdsAsync(Words("deplo")));
        Assert.Equal([deployment], await world.IdsAsync(Words("deploy")));
        Assert.Empty(await world.IdsAsync(Words("ploy")));
        Assert.Equal([word], await world.IdsAsync(Words("deplo word")));
    }

    [Fact]
    public async Task A_beginning_of_most_words_is_not_looked_up()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:ScannedMatches", "100"));
        await world.RememberAsync([.. Enumerable.Range(0, 600).Select(i => SearchWorld.Draft($"common note {i}")), SearchWorld.Draft("a com port")]);
        await world.AnalyzeAsync();

        var answer = await world.SearchAsync(Words("com") with { Explain = true });

        Assert.Equal("a com port", Assert.Single(answer.Hits).Content);
        Assert.Equal("com", answer.Understood!.Prefix);
    }

    [Theory]
    [InlineData("to be or not to be", "He asked: to be or not to be?", "or else")]
    [InlineData("what is it", "So what is it? A lamp.", "it is what?")]
    [InlineData("->", "a -> b", "a > b")]
    public async Task A_question_of_stop_words_is_looked_for_as_it_stands(string query, string match, string other)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var id = await world.RememberAsync(match);
        await world.RememberAsync(other);

        Assert.Equal([id], await world.IdsAsync(Words(query)));
        var hybrid = await world.SearchAsync(query);
        Assert.Equal(id, hybrid.Hits[0].Id);
        Assert.True(hybrid.Hits[0].Score > 0);
    }

    [Theory]
    [InlineData("getUserName", "calls getUserName(id)", "get the user by name")]
    [InlineData("get_user_name", "calls getUserName(id)", "get the user by name")]
    [InlineData("user name", "calls getUserName(id)", "calls getGroupId(id)")]
    [InlineData("HttpClientFactory.CreateClient", "var c = HttpClientFactory.CreateClient(name);", "a factory may create an http client")]
    [InlineData("HttpClientFactory", "var c = HttpClientFactory.CreateClient(name);", "the factory of the http client")]
    [InlineData("services/Storage/SqlText.cs", "see services/Storage/SqlText.cs, line 3", "storage services keep text in sql")]
    [InlineData("SqlText.cs", "see services/Storage/SqlText.cs, line 3", "the sql text of c and cs")]
    [InlineData("CS0246", "error CS0246: the type was not found", "error CS0247: another one")]
    [InlineData("E1234", "[E1234] no such file", "[E1235] no such file")]
    [InlineData("0x80070005", "failed with 0x80070005", "failed with 0x80070006")]
    [InlineData("0x8007000E", "failed with 0x8007000E", "failed with 0x8007000F")]
    public async Task A_name_is_found_whole_before_its_parts(string query, string match, string other)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync(other);
        var id = await world.RememberAsync(match);

        Assert.Equal(id, (await world.IdsAsync(Words(query)))[0]);
        Assert.Equal(id, (await world.IdsAsync(new SearchRequest { Query = query }))[0]);
    }

    [Theory]
    [InlineData("数据库", "昨天数据库连接超时，已重启。", "今天天气很好。")]
    [InlineData("超时", "昨天数据库连接超时，已重启。", "今天天气很好。")]
    [InlineData("データベースの接続", "本番でデータベースの接続が切れた。", "天気がいい。")]
    [InlineData("ฐานข้อมูล", "เมื่อวานฐานข้อมูลล่ม", "วันนี้อากาศดี")]
    [InlineData("데이터베이스", "어제 데이터베이스가 멈췄다.", "오늘은 날씨가 좋다.")]
    [InlineData("猫", "黒猫がいる", "犬がいる")]
    [InlineData("猫", "これは猫", "犬がいる")]
    public async Task Scripts_without_spaces_are_searched_by_their_letters(string query, string match, string other)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var id = await world.RememberAsync(match);
        await world.RememberAsync(other);

        Assert.Equal(id, (await world.IdsAsync(Words(query)))[0]);
        Assert.Equal([id], await world.IdsAsync(Words($"\"{query}\"")));
    }

    [Fact]
    public async Task A_project_is_written_and_searched_in_its_language()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: [("Text:Projects:0", "laden=german"), ("Text:Projects:1", "boutique = French")]);
        var german = SearchWorld.Draft("Die Häuser wurden verkauft") with { ProjectId = "laden" };
        var french = SearchWorld.Draft("Les maisons étaient vendues") with { ProjectId = "boutique" };
        var english = SearchWorld.Draft("The houses were sold") with { ProjectId = "shop" };
        var none = SearchWorld.Draft("More houses");
        await world.RememberAsync([german, french, english, none]);

        Assert.Equal([german.Id], await world.IdsAsync(Words("Haus") with { ProjectId = "laden" }));
        Assert.Equal([german.Id], await world.IdsAsync(Words("Haus verkaufen")));
        Assert.Equal([french.Id], await world.IdsAsync(Words("la maison")));
        Assert.Equal(new HashSet<Guid> { english.Id, none.Id }, (await world.IdsAsync(Words("house"))).ToHashSet());
        Assert.Equal([german.Id], await world.IdsAsync(Words("Haus -\"nicht verkauft\" \"wurden verkauft\"")));
        Assert.Empty(await world.IdsAsync(Words("häuser -haus")));
        Assert.Equal([german.Id], await world.IdsAsync(Words("Häusern") with { Language = "german" }));
        Assert.Empty(await world.IdsAsync(Words("Häusern") with { Language = "english" }));
        var answer = await world.SearchAsync(Words("Haus") with { Explain = true, ProjectId = "laden" });
        Assert.Equal(["german", "english"], answer.Understood!.Languages);
    }

    [Fact]
    public async Task A_language_that_does_not_exist_is_refused_with_those_that_do()
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        var (status, body) = await world.PostAsync("""{"query":"a house","language":"klingon'; --"}""");

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, status);
        Assert.StartsWith("'klingon'; --' is not one of simple, arabic,", (string?)body["errors"]!["language"]![0], StringComparison.Ordinal);
        var refused = await Assert.ThrowsAnyAsync<Exception>(async () => await SearchWorld.StartAsync(postgres, settings: ("Text:Projects:0", "laden=klingon")));
        Assert.Contains("Text:Projects has 'laden=klingon'", refused.ToString(), StringComparison.Ordinal);
        Assert.Contains("german", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_says_how_the_question_was_read_and_what_each_word_brought()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([SearchWorld.Draft("apple pie recipe"), SearchWorld.Draft("apple juice"), SearchWorld.Draft("plum pie recipe")]);

        var answer = await world.SearchAsync(new SearchRequest { Query = "apple \"pie recipe\" -plum", Explain = true });

        var hit = Assert.Single(answer.Hits);
        var text = hit.Explain!.Text!;
        Assert.Equal(["appl", "pie", "recip"], text.Words.Select(w => w.Word).Order(StringComparer.Ordinal));
        Assert.Equal(text.Score, text.Words.Sum(w => w.Score), 6);
        Assert.All(text.Words, w => Assert.True(w is { Weight: > 0, Score: > 0 }));
        var understood = answer.Understood!;
        Assert.Equal("apple pie recipe", understood.Words.Trim());
        Assert.Equal(["pie recipe"], understood.Phrases);
        Assert.Equal(["plum"], understood.Excluded);
        Assert.Equal(["english"], understood.Languages);
        Assert.Equal("weighted", understood.Fusion);
        Assert.Equal(0.3, understood.VectorWeight);
        Assert.Null((await world.SearchAsync("apple")).Understood);
    }
}
