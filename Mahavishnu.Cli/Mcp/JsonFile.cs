using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mahavishnu.Cli;

/// <summary>Somebody else's settings file: changed in one place, left alone elsewhere, or not touched at all.</summary>
internal static class JsonFile
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>Whether there was anything to change.</returns>
    /// <exception cref="CliException">The file is not what can be changed without losing something; it is as it was.</exception>
    public static async Task<bool> ChangeAsync(string path, Action<JsonObject> change, CancellationToken ct)
    {
        // A link is somebody's way of keeping the file elsewhere.
        var file = File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? target.FullName : path;
        var before = File.Exists(file) ? await File.ReadAllTextAsync(file, ct) : null;
        var (document, plain) = string.IsNullOrWhiteSpace(before) ? ([], true) : Parse(before, path);
        var original = document.DeepClone().AsObject();
        string after;
        try
        {
            change(document);
            after = plain ? document.ToJsonString(Written) + Environment.NewLine : CommentedJson.Change(before!, original, document, Written);
        }
        catch (InvalidDataException e)
        {
            throw new CliException($"{path}: {e.Message} It was left as it is; --print shows what to add.");
        }

        if (JsonNode.DeepEquals(original, document))
        {
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        // Whole or not at all: the client may be reading it.
        var next = file + ".mahavishnu";
        await File.WriteAllTextAsync(next, after, ct);
        if (before is not null && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(next, File.GetUnixFileMode(file));
        }

        File.Move(next, file, overwrite: true);
        return true;
    }

    /// <summary>The object of that name, made where there is none.</summary>
    /// <exception cref="InvalidDataException">Something else is there by that name.</exception>
    public static JsonObject Object(JsonObject parent, string name)
    {
        if (parent[name] is not { } node)
        {
            parent[name] = node = new JsonObject();
        }

        return node as JsonObject ?? throw new InvalidDataException($"'{name}' is not an object.");
    }

    /// <summary>The list of that name, made where there is none.</summary>
    /// <exception cref="InvalidDataException">Something else is there by that name.</exception>
    public static JsonArray List(JsonObject parent, string name)
    {
        if (parent[name] is not { } node)
        {
            parent[name] = node = new JsonArray();
        }

        return node as JsonArray ?? throw new InvalidDataException($"'{name}' is not a list.");
    }

    private static (JsonObject Document, bool Plain) Parse(string text, string path)
    {
        var (node, plain) = Read(text, path);
        return (node as JsonObject ?? throw new CliException($"{path} is not a JSON object; it was left as it is. --print shows what to add."), plain);
    }

    private static (JsonNode? Node, bool Plain) Read(string text, string path)
    {
        try
        {
            return (JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }), true);
        }
        catch (JsonException)
        {
            // Perhaps with comments.
        }

        try
        {
            return (CommentedJson.Parse(text), false);
        }
        catch (JsonException e)
        {
            throw new CliException($"{path} is not JSON, with comments or without (line {e.LineNumber + 1}). It was left as it is; --print shows what to add.");
        }
    }
}
