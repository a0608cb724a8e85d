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
        var document = string.IsNullOrWhiteSpace(before) ? [] : Parse(before, path);
        var original = document.DeepClone();
        try
        {
            change(document);
        }
        catch (InvalidDataException e)
        {
            throw new CliException($"{path}: {e.Message} It was left as it is; --print shows what to add.");
        }

        if (before is not null && JsonNode.DeepEquals(original, document))
        {
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        // Whole or not at all: the client may be reading it.
        var next = file + ".mahavishnu";
        await File.WriteAllTextAsync(next, document.ToJsonString(Written) + Environment.NewLine, ct);
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

    private static JsonObject Parse(string text, string path)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new CliException($"{path} is not a JSON object; it was left as it is. --print shows what to add.");
        }
        catch (JsonException e)
        {
            throw new CliException($"{path} is not plain JSON (line {e.LineNumber + 1}): comments and the like would be lost. It was left as it is; --print shows what to add.");
        }
    }
}
