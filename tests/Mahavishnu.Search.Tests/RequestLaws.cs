using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Mahavishnu.Contracts;
using Pgvector;

namespace Mahavishnu.Search.Tests;

/// <summary>What holds for every request anybody can send to a route of searching: an answer or a refusal that names the field, and nothing of it in the statement.</summary>
public sealed class RequestLaws(FilterLawsFixture fixture) : IClassFixture<FilterLawsFixture>
{
    // In every string that is sent to be composed: it would show if it got into the text of a statement.
    private const string Mark = "zqxj";

    private static readonly string[] Signs =
    [
        "\"", "\"\"", "-", "--", "-\"", "\" ", "“", "”", " -a", " -word", "\"a b\"", "-\"a b\"", "a\"b", "(", ")", "[", "\\", "\\y", "(?i)", "***=", ".*", "+", "{1,9999}", "$1", "$$", "'", "''", ":*", "|", "&", "!", "<->",
        "<", ">", "\0", "\uFEFF", "猫", "数据库", "ไทย", "한국어", "𠀀", "é", "😀", "\n", "\t", "a/b.c", "A.b", "x_y", "getUserName", "to be", "the", "0x1F", "%", "_", ";", "/*", "*/", "E'\\x'", "english",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("/unified")]
    public async Task No_request_is_an_error_of_the_server(string path)
    {
        var answered = 0;
        foreach (var body in Requests().Sample(250, FilterLaws.Seed, 12))
        {
            var (status, answer) = await fixture.World.PostAsync(body, path);

            Assert.True(status is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.NotFound, $"{body} → {answer.ToJsonString()}");
            Assert.True(status != HttpStatusCode.BadRequest || answer["code"] is not null, answer.ToJsonString());
            answered += status == HttpStatusCode.OK ? 1 : 0;
        }

        Assert.InRange(answered, 10, 250);
        Assert.Equal(2, (await fixture.World.SearchAsync("apple")).Hits.Count);
    }

    [Fact]
    public async Task No_question_is_an_error_of_the_server()
    {
        foreach (var query in Questions().Sample(300, FilterLaws.Seed, 12))
        {
            var body = new JsonObject { ["query"] = query, ["explain"] = true }.ToJsonString();

            var (status, answer) = await fixture.World.PostAsync(body);

            Assert.True(
                status == HttpStatusCode.OK || (status == HttpStatusCode.BadRequest && answer["errors"]!.AsObject().All(e => e.Key == "query")), $"{body} → {answer.ToJsonString()}");
        }
    }

    [Fact]
    public async Task No_cursor_is_an_error_of_the_server()
    {
        var cursors = Gen.OneOf(
            Gen.Elements([.. FilterLaws.Strings, .. Signs]),
            Gen.ListOf(Gen.Choose(0, 255), 40).Select(bytes => Convert.ToBase64String([.. bytes.Select(b => (byte)b)])),
            Gen.Elements(FilterLaws.Strings).Select(s => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(s))));
        foreach (var cursor in cursors.Sample(200, FilterLaws.Seed, 12))
        {
            using var response = await fixture.World.Host.Http.GetAsync($"{Resources.Api}/evals/pins?limit=5&cursor={Uri.EscapeDataString(cursor)}", Ct);

            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{cursor} → {await response.Content.ReadAsStringAsync(Ct)}");
        }
    }

    [Fact]
    public async Task No_evaluation_is_an_error_of_the_server()
    {
        foreach (var body in Requests().Sample(100, FilterLaws.Seed, 12))
        {
            foreach (var path in new[] { "evals", "evals/pins" })
            {
                using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
                using var response = await fixture.World.Host.Http.PostAsync($"{Resources.Api}/{path}", content, Ct);

                Assert.True((int)response.StatusCode < 500, $"{path} {body} → {await response.Content.ReadAsStringAsync(Ct)}");
            }
        }
    }

    [Fact]
    public async Task Nothing_that_was_asked_gets_into_the_statement()
    {
        var store = fixture.World.Host.Get<SearchStore>();
        var space = await fixture.World.SpaceAsync();
        var vector = new HalfVector(Enumerable.Repeat((Half)0.5f, space.Dimensions).ToArray());
        var understood = 0;
        foreach (var body in Requests(Mark).Sample(2_000, FilterLaws.Seed, 12))
        {
            SearchRequest? request;
            try
            {
                request = JsonSerializer.Deserialize<SearchRequest>(body, WireJson.Strict);
            }
            catch (JsonException)
            {
                continue;
            }

            if (SearchValidation.Check(request!).Question is not { } question)
            {
                continue;
            }

            understood++;
            var tuning = new SearchTuning(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1);
            var command = store.Compose(new SearchPlan(question, space, question.Mode == SearchMode.Text ? null : vector, question.Mode != SearchMode.Vector, LexemeFrequencies.Unknown, tuning));

            Assert.DoesNotContain(Mark, command.CommandText, StringComparison.OrdinalIgnoreCase);
        }

        Assert.InRange(understood, 200, 2_000);
    }

    private static Gen<string> Questions(string mark = "") => Gen.Choose(1, 6).SelectMany(n => Gen.ListOf(Gen.Elements([.. Signs, .. FilterLaws.Strings, "apple", "one"]), n))
        .Select(parts => mark + string.Join("", parts.Select((part, i) => i % 2 == 0 ? part : " " + part)) + mark);

    /// <summary>Mostly sense, one field in a few of any kind of nonsense.</summary>
    private static Gen<string> Requests(string mark = "")
    {
        var text = Gen.Elements(FilterLaws.Strings).Select(s => Json(mark + s));
        var nonsense = Gen.OneOf(
            text, Gen.Elements("null", "0", "-1", "1e309", "99999999999", "true", "[]", "{}", "[null]", "[[]]", "\"\"", "\"0\"", "1.5"), Questions(mark).Select(Json));
        Gen<string?> Sometimes(Gen<string> sense) => Gen.Frequency((12, Gen.Constant<string?>(null)), (4, sense.Select(s => (string?)s)), (1, nonsense.Select(s => (string?)s)));
        Gen<string> OneOf(params string[] values) => Gen.Elements(values).Select(Json);
        var list = Gen.Choose(0, 3).SelectMany(n => Gen.ListOf(text, n)).Select(items => $"[{string.Join(',', items)}]");
        var fields = new (string Name, Gen<string?> Value)[]
        {
            ("mode", Sometimes(OneOf("hybrid", "vector", "text"))),
            ("types", Sometimes(Gen.Elements("[\"agent\"]", "[\"agent\",\"rag\"]", "[]"))),
            ("sources", Sometimes(list)),
            ("tags", Sometimes(list)),
            ("projectId", Sometimes(text)),
            ("repoId", Sometimes(text)),
            ("agentId", Sometimes(text)),
            ("workflowId", Sometimes(text)),
            ("sessionId", Sometimes(text)),
            ("after", Sometimes(OneOf("2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-01-31T12:00:00+14:00"))),
            ("before", Sometimes(OneOf("2030-01-01T00:00:00Z", "9999-12-31T23:59:59Z"))),
            ("filter", Sometimes(FilterLaws.Filters())),
            ("limit", Sometimes(Gen.Choose(1, 200).Select(n => n.ToString(System.Globalization.CultureInfo.InvariantCulture)))),
            ("threshold", Sometimes(Gen.Elements("0", "-1", "1", "0.3"))),
            ("groupBy", Sometimes(OneOf("none", "file", "session"))),
            ("explain", Sometimes(Gen.Elements("true", "false"))),
            ("halfLife", Sometimes(OneOf("30d", "1m", "100y", "1.5w", "1h'; --", "30"))),
            ("language", Sometimes(OneOf("english", "german", "simple", "german'::regconfig; --", "pg_catalog.english", "English"))),
            ("like", Gen.Frequency((30, Gen.Constant<string?>(null)), (1, nonsense.Select(s => (string?)s)), (1, OneOf("0198c0de-0000-7000-8000-000000000000").Select(s => (string?)s)))),
        };
        var query = Gen.Frequency((14, Questions(mark).Select(Json)), (1, nonsense)).Select(q => $"\"query\":{q}");
        return fields.Aggregate(query, (body, field) => body.SelectMany(b => field.Value.Select(v => v is null ? b : $"{b},\"{field.Name}\":{v}"))).Select(b => $"{{{b}}}");
    }

    private static string Json(string text) => JsonSerializer.Serialize(text);
}
