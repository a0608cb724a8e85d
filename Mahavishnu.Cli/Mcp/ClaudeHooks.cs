using System.Reflection;
using System.Text.Json.Nodes;

namespace Mahavishnu.Cli;

/// <summary>Claude Code's hooks: scripts of integrations/claude-code beside its settings, and the entries that have it run them.</summary>
/// <param name="Project">The project's folder; null: for the user.</param>
/// <param name="Named">The service that the scripts are to call; null: where it usually is, or what their environment says.</param>
internal sealed record ClaudeHooks(string? Project, Uri? Named)
{
    private const string Own = "/.claude/hooks/mahavishnu/";
    private const string Hooks = "hooks";

    // The scripts give up after two seconds by themselves; this is for a machine that is out of breath.
    private const int Seconds = 10;

    private static readonly (string Event, string Script)[] Entries =
        [("SessionStart", "session-start.sh"), ("UserPromptSubmit", "user-prompt-submit.sh"), ("Stop", "stop.sh"), ("SessionEnd", "stop.sh")];

    public static IReadOnlyList<string> Scripts { get; } = ["common.sh", .. Entries.Select(e => e.Script).Distinct(StringComparer.Ordinal)];

    /// <summary>What the scripts need.</summary>
    public static IReadOnlyList<string> Tools { get; } = ["bash", "curl", "jq"];

    public string File => Path.Combine(Root, "settings.json");

    public string Folder => Path.Combine(Root, "hooks", "mahavishnu");

    private string Root => Path.Combine(Project ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".claude");

    public JsonObject Document
    {
        get
        {
            var document = new JsonObject();
            MergeInto(document);
            return document;
        }
    }

    /// <summary>Each entry once; what else there is stays, also what the user has changed about ours but the command.</summary>
    public void MergeInto(JsonObject document)
    {
        var hooks = JsonFile.Object(document, Hooks);
        foreach (var (name, script) in Entries)
        {
            var groups = JsonFile.List(hooks, name);
            if (groups.OfType<JsonObject>().SelectMany(InGroup).FirstOrDefault(IsOwn) is { } there)
            {
                there["command"] = Command(script);
            }
            else
            {
                groups.Add(new JsonObject { [Hooks] = new JsonArray(new JsonObject { ["type"] = "command", ["command"] = Command(script), ["timeout"] = Seconds }) });
            }
        }
    }

    /// <summary>Takes our entries out, and what only held them.</summary>
    public static void RemoveFrom(JsonObject document)
    {
        if (document[Hooks] is not JsonObject hooks)
        {
            return;
        }

        foreach (var (name, groups) in hooks.Where(h => h.Value is JsonArray { Count: > 0 }).Select(h => (h.Key, h.Value!.AsArray())).ToList())
        {
            foreach (var group in groups.OfType<JsonObject>().Where(g => InGroup(g).Any(IsOwn)).ToList())
            {
                group[Hooks]!.AsArray().RemoveAll(h => h is JsonObject hook && IsOwn(hook));
                if (!InGroup(group).Any())
                {
                    groups.Remove(group);
                }
            }

            if (groups.Count == 0)
            {
                hooks.Remove(name);
            }
        }

        if (hooks.Count == 0)
        {
            document.Remove(Hooks);
        }
    }

    public async Task WriteScriptsAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(Folder);
        foreach (var script in Scripts)
        {
            var path = Path.Combine(Folder, script);
            await using (var file = System.IO.File.Create(path))
            await using (var text = Assembly.GetExecutingAssembly().GetManifestResourceStream(script)!)
            {
                await text.CopyToAsync(file, ct);
            }

            if (!OperatingSystem.IsWindows())
            {
                System.IO.File.SetUnixFileMode(path, System.IO.File.GetUnixFileMode(path) | UnixFileMode.UserExecute);
            }
        }
    }

    /// <summary>Only files of ours; a folder with others stays.</summary>
    public void RemoveScripts()
    {
        foreach (var path in Scripts.Select(s => Path.Combine(Folder, s)))
        {
            System.IO.File.Delete(path);
        }

        foreach (var folder in new[] { Folder, Path.GetDirectoryName(Folder)! }.Where(f => Directory.Exists(f) && !Directory.EnumerateFileSystemEntries(f).Any()))
        {
            Directory.Delete(folder);
        }
    }

    private static IEnumerable<JsonObject> InGroup(JsonObject group) => (group[Hooks] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static bool IsOwn(JsonObject hook) => hook["command"] is JsonValue command && command.TryGetValue(out string? text) && text.Contains(Own, StringComparison.Ordinal);

    // bash "$CLAUDE_PROJECT_DIR"/.claude/hooks/mahavishnu/stop.sh 'http://memory.example:9000/'
    private string Command(string script) =>
        $"bash \"${(Project is null ? "HOME" : "CLAUDE_PROJECT_DIR")}\"{Own}{script}{(Named is null ? "" : $" '{Named.AbsoluteUri.Replace("'", "%27", StringComparison.Ordinal)}'")}";
}
