using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Mahavishnu.OllamaStandIn;

/// <summary><c>POST /api/embed</c>.</summary>
internal sealed class StandInEmbed(OllamaServer server)
{
    private const string TooLong = "the input length exceeds the context length";
    private const string RunnerGone = "do embedding request: Post \"http://127.0.0.1:43117/v1/embeddings\": EOF";

    private readonly ConcurrentDictionary<IReadOnlyList<string>, HashSet<string>> _vocabularies = new(ReferenceEqualityComparer.Instance);

    public async Task HandleAsync(HttpContext http)
    {
        if (await StandInRoutes.ReadAsync(http) is not { } body)
        {
            return;
        }

        if (Input(body["input"]) is not { } texts)
        {
            await StandInRoutes.RefuseAsync(http, StatusCodes.Status400BadRequest, "invalid input type");
            return;
        }

        var name = (string?)body["model"] ?? "";
        var truncate = (bool?)body["truncate"];
        server.Record.Enter(name, texts, truncate, http.Request.Headers.TraceParent.ToString());
        using var stay = new Stay(server.Record.Leave);
        if (!await server.Behaviour.TakeTurnAsync(http.RequestAborted))
        {
            await BusyAsync(http);
            return;
        }

        using var turn = new Stay(server.Behaviour.EndTurn);
        await AnswerAsync(http, new Call(name, texts, truncate ?? true, (int?)body["dimensions"], Stopwatch.GetTimestamp()), () =>
        {
            // The model is done before its answer has arrived: whoever reads the last byte may call again at once.
            turn.Dispose();
            stay.Dispose();
        });
    }

    private async Task AnswerAsync(HttpContext http, Call call, Action done)
    {
        // Thinking is part of the time a call takes, not something that comes on top.
        var thinking = server.Behaviour.ThinkAsync(http.RequestAborted);
        var answer = server.Behaviour.NextAnswer(call.Texts);
        if (server.Find(call.Name) is not { } model || answer == StandInAnswer.ModelMissing)
        {
            await thinking;
            await StandInRoutes.RefuseAsync(http, StatusCodes.Status404NotFound, $"model \"{call.Name}\" not found, try pulling it first");
            return;
        }

        var vocabulary = _vocabularies.GetOrAdd(model.Vocabulary, static words => [.. words]);
        var tokens = call.Texts.Sum(t => StandInVocabulary.Count(model, t, vocabulary));
        if (!call.Truncate && call.Texts.Any(t => StandInVocabulary.Count(model, t, vocabulary) > model.ContextLength - 2))
        {
            await thinking;
            await StandInRoutes.RefuseAsync(http, StatusCodes.Status400BadRequest, TooLong);
            return;
        }

        var json = HasVectors(answer) ? Write(model, call, answer, tokens) : [];
        await thinking;
        switch (answer)
        {
            case StandInAnswer.NaNRefused:
                await StandInRoutes.RefuseAsync(http, StatusCodes.Status400BadRequest, "embedding contains NaN or Inf values");
                return;
            case StandInAnswer.NaNError:
                await StandInRoutes.RefuseAsync(http, StatusCodes.Status500InternalServerError, "failed to encode response: json: unsupported value: NaN");
                return;
            case StandInAnswer.ServerError:
                await StandInRoutes.RefuseAsync(http, StatusCodes.Status500InternalServerError, "llama runner process has terminated: exit status 2");
                return;
            case StandInAnswer.RunnerDied:
                await StandInRoutes.RefuseAsync(http, StatusCodes.Status400BadRequest, RunnerGone);
                return;
            case StandInAnswer.Busy:
                await BusyAsync(http);
                return;
            case StandInAnswer.TooManyRequests:
                await StandInRoutes.RefuseAsync(http, StatusCodes.Status429TooManyRequests, "too many requests");
                return;
            case StandInAnswer.EmptyBody:
                http.Response.ContentType = "application/json";
                return;
            case StandInAnswer.NotJson:
                http.Response.ContentType = "text/html";
                await http.Response.WriteAsync("<html><body>Please sign in</body></html>", http.RequestAborted);
                return;
            case StandInAnswer.Silence:
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return;
        }

        done();
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = json.Length;
        if (answer == StandInAnswer.CutHalfway)
        {
            await http.Response.Body.WriteAsync(json.AsMemory(0, json.Length / 2), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            http.Abort();
            return;
        }

        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    }

    private static bool HasVectors(StandInAnswer answer) => answer is not (
        StandInAnswer.NaNRefused or StandInAnswer.NaNError or StandInAnswer.ServerError or StandInAnswer.RunnerDied or StandInAnswer.Busy
        or StandInAnswer.TooManyRequests or StandInAnswer.EmptyBody or StandInAnswer.NotJson or StandInAnswer.Silence);

    private static byte[] Write(StandInModel model, Call call, StandInAnswer answer, int tokens)
    {
        var vectors = call.Texts.Select(t => Cut(StandInVectors.Of(model, t), call.Dimensions)).ToList();
        switch (answer)
        {
            case StandInAnswer.TooFew:
                vectors.RemoveAt(vectors.Count - 1);
                break;
            case StandInAnswer.TooMany:
                vectors.Add(vectors[0]);
                break;
            case StandInAnswer.NoVectors:
                vectors.Clear();
                break;
            case StandInAnswer.Zeros:
                vectors[^1] = new float[vectors[^1].Length];
                break;
            case StandInAnswer.BeyondHalf:
                vectors[^1][0] = 1e6f;
                break;
            case StandInAnswer.OtherDimensions:
                vectors = [.. vectors.Select(v => v[..^2])];
                break;
        }

        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("model", call.Name);
            json.WriteStartArray("embeddings");
            for (var i = 0; i < vectors.Count; i++)
            {
                json.WriteStartArray();
                var strange = i == vectors.Count - 1 && answer is StandInAnswer.NaNWritten or StandInAnswer.InfinityWritten;
                foreach (var number in strange ? vectors[i].AsSpan(1) : vectors[i])
                {
                    json.WriteNumberValue(number);
                }

                // {"embeddings":[[0.1,…,NaN]]}
                if (strange)
                {
                    json.WriteRawValue(answer == StandInAnswer.NaNWritten ? "NaN" : "1e999", skipInputValidation: true);
                }

                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteNumber("total_duration", Stopwatch.GetElapsedTime(call.Since).Ticks * 100);
            json.WriteNumber("load_duration", 1_019_500);
            json.WriteNumber("prompt_eval_count", tokens);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static float[] Cut(float[] vector, int? dimensions)
    {
        if (dimensions is not > 0 || dimensions >= vector.Length)
        {
            return vector;
        }

        var cut = vector[..dimensions.Value];
        var length = MathF.Sqrt(cut.Sum(x => x * x));
        return [.. cut.Select(x => x / length)];
    }

    /// <returns>Null: neither a text nor a list of texts.</returns>
    private static List<string>? Input(JsonNode? input) => input switch
    {
        null => [],
        JsonValue one when one.TryGetValue<string>(out var text) => text.Length > 0 ? [text] : [],
        JsonArray many when many.All(m => m is JsonValue v && v.GetValueKind() == JsonValueKind.String) => [.. many.Select(m => (string)m!)],
        _ => null,
    };

    private static Task BusyAsync(HttpContext http) =>
        StandInRoutes.RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, "server busy, please try again.  maximum pending requests exceeded");

    /// <summary>Ends once, whoever ends it first.</summary>
    private sealed class Stay(Action end) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                end();
            }
        }
    }

    private sealed record Call(string Name, IReadOnlyList<string> Texts, bool Truncate, int? Dimensions, long Since);
}
