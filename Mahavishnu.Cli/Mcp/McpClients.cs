using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>How a client is told where the agents' door is.</summary>
/// <param name="Key">The object in its file that holds the servers.</param>
/// <param name="ProjectFile">Within a project; null where it has none.</param>
/// <param name="UserFile">Of the user; null where nothing is known to be written.</param>
/// <param name="Variable">How it puts an environment variable into a value.</param>
internal sealed record McpClient(string Name, string Key, string? ProjectFile, string? UserFile, Func<string, string> Variable)
{
    private const string Entry = "mahavishnu";

    private static readonly string[] OverHttp = ["url", "headers"];
    private static readonly string[] OverStdio = ["command", "args"];

    public static IReadOnlyList<McpClient> All { get; } =
    [
        new("claude", "mcpServers", ".mcp.json", Home(".claude.json"), v => $"${{{v}}}"),
        new("vscode", "servers", Path.Combine(".vscode", "mcp.json"), Path.Combine(CodeFolder(), "User", "mcp.json"), v => $"${{env:{v}}}"),
        new("cursor", "mcpServers", Path.Combine(".cursor", "mcp.json"), Home(Path.Combine(".cursor", "mcp.json")), v => $"${{env:{v}}}"),
        new("copilot", "mcpServers", null, Home(Path.Combine(".copilot", "mcp-config.json")), v => $"${{{v}}}"),
        // Whatever else there is: to be read and written by hand.
        new("other", "mcpServers", null, null, v => $"${{{v}}}"),
    ];

    /// <summary>For a client that calls an address. The key stays in the environment.</summary>
    public JsonObject Http(ServiceAddress address)
    {
        var entry = new JsonObject { ["type"] = "http", ["url"] = new Uri(address.Url, Resources.Mcp.TrimStart('/')).ToString() };
        if (address.ApiKey is not null)
        {
            entry["headers"] = new JsonObject { ["Authorization"] = $"Bearer {Variable(GlobalOptions.ApiKeyVariable)}" };
        }

        return WithTools(entry);
    }

    /// <summary>For a client that starts a program.</summary>
    /// <param name="named">The service that the program is to talk to; null: the one that it finds.</param>
    public JsonObject Stdio(Uri? named)
    {
        var arguments = new JsonArray("mcp");
        if (named is not null)
        {
            arguments.Add("--url");
            arguments.Add(named.ToString());
        }

        return WithTools(new JsonObject { ["type"] = "stdio", ["command"] = Program(), ["args"] = arguments });
    }

    public JsonObject Document(JsonObject entry) => new() { [Key] = new JsonObject { [Entry] = entry.DeepClone() } };

    /// <summary>Puts the entry into the client's own document; what else is there stays, also what the user has added to the entry.</summary>
    public void MergeInto(JsonObject document, JsonObject entry)
    {
        var servers = JsonFile.Object(document, Key);
        var own = JsonFile.Object(servers, Entry);
        foreach (var stale in (entry.ContainsKey("url") ? OverStdio : OverHttp).Append("headers").Where(k => !entry.ContainsKey(k)))
        {
            own.Remove(stale);
        }

        foreach (var (name, value) in entry)
        {
            own[name] = value?.DeepClone();
        }
    }

    /// <summary>Takes the entry out again.</summary>
    public void RemoveFrom(JsonObject document)
    {
        if (document[Key] is JsonObject servers)
        {
            servers.Remove(Entry);
        }
    }

    // Copilot shows no tool of a server unless it is told to.
    private JsonObject WithTools(JsonObject entry)
    {
        if (Name == "copilot")
        {
            entry["tools"] = new JsonArray("*");
        }

        return entry;
    }

    private static string Program() =>
        Checkout.Root is { } root ? Path.Combine(root, OperatingSystem.IsWindows() ? "mahavishnu.cmd" : "mahavishnu") : Path.Combine(AppContext.BaseDirectory, "mahavishnu-cli");

    private static string Home(string path) => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path);

    private static string CodeFolder() =>
        OperatingSystem.IsMacOS() ? Home(Path.Combine("Library", "Application Support", "Code")) : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "Code");
}
