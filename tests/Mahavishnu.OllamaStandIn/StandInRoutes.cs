using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.OllamaStandIn;

/// <summary>The routes but <c>/api/embed</c> and <c>/api/chat</c>: what is there, what it is, and how it comes.</summary>
internal sealed class StandInRoutes(OllamaServer server, CancellationToken stopping)
{
    private const string Version = "0.13.0";

    public void Map(WebApplication app)
    {
        var embed = new StandInEmbed(server);
        var chat = new StandInChat(server);
        app.Use(async (http, next) =>
        {
            server.Record.Asked(http.Request.Path);
            if (server.Behaviour.SomethingElse)
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                http.Response.ContentType = "text/html";
                await http.Response.WriteAsync("<html><body>It works!</body></html>", http.RequestAborted);
                return;
            }

            // Whoever waits when the server stops is cut off, as by a killed process.
            using var cut = stopping.Register(http.Abort);
            try
            {
                if (http.Request.Path.Value is "/api/tags" or "/api/show")
                {
                    await server.Behaviour.AskedMayGoOn(http.RequestAborted);
                }

                await next(http);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                http.Abort();
            }
        });
        app.MapMethods("/", ["GET", "HEAD"], () => Results.Text("Ollama is running"));
        app.MapGet("/api/version", () => Results.Json(new JsonObject { ["version"] = Version }));
        app.MapGet("/api/tags", () => Results.Json(new JsonObject { ["models"] = new JsonArray([.. server.Models.Select(Tag)]) }));
        app.MapPost("/api/show", ShowAsync);
        app.MapPost("/api/pull", PullAsync);
        app.MapPost("/api/embed", embed.HandleAsync);
        app.MapPost("/api/chat", chat.HandleAsync);
    }

    /// <returns>Null: an error has been answered.</returns>
    internal static async Task<JsonObject?> ReadAsync(HttpContext http)
    {
        try
        {
            if (await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted) is JsonObject body)
            {
                return body;
            }

            await RefuseAsync(http, StatusCodes.Status400BadRequest, "json: cannot unmarshal into Go value");
        }
        catch (JsonException e)
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, http.Request.ContentLength is 0 or null ? "missing request body" : e.Message);
        }

        return null;
    }

    internal static Task RefuseAsync(HttpContext http, int status, string error)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(new JsonObject { ["error"] = error }, http.RequestAborted);
    }

    private static JsonObject Tag(StandInModel model) => new()
    {
        ["name"] = model.FullName,
        ["model"] = model.FullName,
        ["modified_at"] = "2026-05-04T17:37:44.706015396-07:00",
        ["size"] = model.Size,
        ["digest"] = model.Digest,
        ["details"] = Details(model),
    };

    private static JsonObject Details(StandInModel model) => new()
    {
        ["parent_model"] = "",
        ["format"] = "gguf",
        ["family"] = model.Architecture,
        ["families"] = new JsonArray(model.Architecture),
        ["parameter_size"] = "137M",
        ["quantization_level"] = "F16",
    };

    private async Task ShowAsync(HttpContext http)
    {
        if (await ReadAsync(http) is not { } body)
        {
            return;
        }

        var name = (string?)body["model"] ?? (string?)body["name"];
        if (string.IsNullOrEmpty(name))
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, "model is required");
            return;
        }

        if (server.Find(name) is not { } model)
        {
            await RefuseAsync(http, StatusCodes.Status404NotFound, $"model '{name}' not found");
            return;
        }

        var verbose = (bool?)body["verbose"] ?? false;
        var info = new JsonObject
        {
            ["general.architecture"] = model.Architecture,
            ["general.file_type"] = 1,
            ["general.parameter_count"] = 136_727_040,
            ["general.quantization_version"] = 2,
            [$"{model.Architecture}.block_count"] = 12,
            [$"{model.Architecture}.context_length"] = model.ContextLength,
            ["tokenizer.ggml.model"] = model.Tokenizer,
            // The lists are there when asked for, else empty.
            ["tokenizer.ggml.tokens"] = new JsonArray([.. (verbose ? model.Vocabulary : []).Select(t => (JsonNode?)t)]),
        };
        if (model.ShownDimensions is { } dimensions)
        {
            info[$"{model.Architecture}.embedding_length"] = dimensions;
        }

        await http.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["modelfile"] = $"# Modelfile generated by \"ollama show\"\nFROM {model.FullName}",
                ["template"] = "{{ .Prompt }}",
                ["details"] = Details(model),
                ["model_info"] = info,
                ["capabilities"] = new JsonArray([.. model.Capabilities.Select(c => (JsonNode?)c)]),
                ["modified_at"] = "2026-05-04T17:37:44.706015396-07:00",
            },
            http.RequestAborted);
    }

    private async Task PullAsync(HttpContext http)
    {
        if (await ReadAsync(http) is not { } body)
        {
            return;
        }

        var name = (string?)body["model"] ?? (string?)body["name"] ?? "";
        var lines = (bool?)body["stream"] ?? true;
        var last = new JsonObject();
        http.Response.ContentType = "application/x-ndjson";
        await SayAsync(new JsonObject { ["status"] = "pulling manifest" });
        if (server.FindOffer(name) is not { } model)
        {
            await SayAsync(new JsonObject { ["error"] = "pull model manifest: file does not exist" });
        }
        else
        {
            foreach (var part in new[] { 0, 1, 2, 4 })
            {
                await SayAsync(new JsonObject
                {
                    ["status"] = $"pulling {model.Digest[..12]}",
                    ["digest"] = $"sha256:{model.Digest}",
                    ["total"] = model.Size,
                    ["completed"] = model.Size * part / 4,
                });
                if (part == 2)
                {
                    await server.Behaviour.PullsMayGoOn(http.RequestAborted);
                }
            }

            await SayAsync(new JsonObject { ["status"] = "verifying sha256 digest" });
            await SayAsync(new JsonObject { ["status"] = "writing manifest" });
            server.Add(model with { Name = name });
            await SayAsync(new JsonObject { ["status"] = "success" });
        }

        if (!lines)
        {
            await http.Response.WriteAsync(last.ToJsonString(), http.RequestAborted);
        }

        async Task SayAsync(JsonObject line)
        {
            last = line;
            if (lines)
            {
                await http.Response.WriteAsync(line.ToJsonString() + "\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
    }
}
