using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Mahavishnu.OllamaStandIn;

/// <summary>
/// <c>POST /api/chat</c>, whole or in lines:
/// <code>
/// {"model":"llama3.2","created_at":"2026-05-04T17:37:44.7Z","message":{"role":"assistant","content":"{\"insights\":[]}"},"done":true,"done_reason":"stop","total_duration":2254970291, …}
/// </code>
/// Errors come as <c>{"error":"…"}</c> with a status, once an answer in lines has begun as a line of it.
/// </summary>
internal sealed class StandInChat(OllamaServer server)
{
    private const int CharactersPerToken = 4;

    public async Task HandleAsync(HttpContext http)
    {
        if (await StandInRoutes.ReadAsync(http) is not { } body)
        {
            return;
        }

        var call = new StandInChatCall(
            (string?)body["model"] ?? "", [.. (body["messages"] as JsonArray ?? []).Select(m => new StandInMessage((string?)m!["role"] ?? "", (string?)m["content"] ?? ""))],
            body["format"]?.DeepClone(), body["options"]?.DeepClone(), body["think"]?.DeepClone(), (bool?)body["stream"] ?? true);
        server.Record.Enter(call);
        await server.Behaviour.ChatsMayGoOn(http.RequestAborted);
        await server.Behaviour.ThinkAsync(http.RequestAborted);
        if (server.Behaviour.NextChat() is var answer && await RefusedAsync(http, call, answer))
        {
            return;
        }

        var text = answer == StandInAnswer.NotJson ? "I could not find any insights, sorry!" : server.Behaviour.Say(call);
        await (call.Stream ? InLinesAsync(http, call, text, answer) : WholeAsync(http, call, text, answer));
    }

    /// <returns>True: an error has been answered, or nothing ever will be.</returns>
    private async Task<bool> RefusedAsync(HttpContext http, StandInChatCall call, StandInAnswer answer)
    {
        if (call.Model.Length == 0)
        {
            await StandInRoutes.RefuseAsync(http, StatusCodes.Status400BadRequest, "model is required");
            return true;
        }

        if (server.Find(call.Model) is not { } model || answer == StandInAnswer.ModelMissing)
        {
            await StandInRoutes.RefuseAsync(http, StatusCodes.Status404NotFound, $"model '{call.Model}' not found");
            return true;
        }

        var refusal = (model.Capabilities.Contains("completion"), Thinks(call.Think) && !model.Capabilities.Contains("thinking"), answer) switch
        {
            (false, _, _) => (StatusCodes.Status400BadRequest, $"\"{call.Model}\" does not support chat"),
            (_, true, _) => (StatusCodes.Status400BadRequest, $"\"{call.Model}\" does not support thinking"),
            (_, _, StandInAnswer.ServerError) => (StatusCodes.Status500InternalServerError, "llama runner process has terminated: exit status 2"),
            (_, _, StandInAnswer.Busy) => (StatusCodes.Status503ServiceUnavailable, "server busy, please try again.  maximum pending requests exceeded"),
            (_, _, StandInAnswer.TooManyRequests) => (StatusCodes.Status429TooManyRequests, "too many requests"),
            _ => (0, ""),
        };
        switch (refusal.Item1, answer)
        {
            case ( > 0, _):
                await StandInRoutes.RefuseAsync(http, refusal.Item1, refusal.Item2);
                return true;
            case (_, StandInAnswer.EmptyBody):
                http.Response.ContentType = "application/json";
                return true;
            case (_, StandInAnswer.Silence):
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return true;
            case (_, StandInAnswer.SilenceHalfway):
                http.Response.ContentType = "application/json; charset=utf-8";
                await http.Response.WriteAsync("{\"model\":", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return true;
            default:
                return false;
        }
    }

    private static async Task WholeAsync(HttpContext http, StandInChatCall call, string text, StandInAnswer answer)
    {
        var last = Last(call, text);
        last["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text };
        var json = Encoding.UTF8.GetBytes(last.ToJsonString());
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

    private static async Task InLinesAsync(HttpContext http, StandInChatCall call, string text, StandInAnswer answer)
    {
        http.Response.ContentType = "application/x-ndjson";
        foreach (var part in text.Chunk(CharactersPerToken))
        {
            await SayAsync(new JsonObject
            {
                ["model"] = call.Model,
                ["created_at"] = Now(),
                ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = new string(part) },
                ["done"] = false,
            });
            if (answer == StandInAnswer.CutHalfway)
            {
                await SayAsync(new JsonObject { ["error"] = "llama runner process has terminated: exit status 2" });
                return;
            }
        }

        var last = Last(call, text);
        last["message"] = new JsonObject { ["role"] = "assistant", ["content"] = "" };
        await SayAsync(last);

        async Task SayAsync(JsonObject line)
        {
            await http.Response.WriteAsync(line.ToJsonString() + "\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    private static JsonObject Last(StandInChatCall call, string text) => new()
    {
        ["model"] = call.Model,
        ["created_at"] = Now(),
        ["done"] = true,
        ["done_reason"] = "stop",
        ["total_duration"] = 2_254_970_291,
        ["load_duration"] = 574_751_416,
        ["prompt_eval_count"] = call.Messages.Sum(m => m.Content.Length) / CharactersPerToken,
        ["prompt_eval_duration"] = 1_502_000_000,
        ["eval_count"] = text.Length / CharactersPerToken,
        ["eval_duration"] = 175_000_000,
    };

    private static string Now() => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static bool Thinks(JsonNode? think) => think?.GetValueKind() is JsonValueKind.True or JsonValueKind.String;
}
