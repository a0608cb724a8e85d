using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu mcp install CLIENT</c>: tells an agent's client where its memory is, or shows what to tell it.</summary>
internal static class McpInstallCommand
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var client = new Argument<string>("CLIENT") { Description = string.Join(", ", McpClient.All.Select(c => c.Name)) };
        client.AcceptOnlyFromAmong([.. McpClient.All.Select(c => c.Name)]);
        var project = new Option<DirectoryInfo?>("--project") { Description = "For the project in this folder (default: where you stand)", HelpName = "DIR", Arity = ArgumentArity.ZeroOrOne };
        var user = new Option<bool>("--user") { Description = "For all projects of this user" };
        var stdio = new Option<bool>("--stdio") { Description = "Have the client start this program instead of calling the address" };
        var print = new Option<bool>("--print") { Description = "Show what would be written, and where; write nothing" };
        var hooks = new Option<bool>("--hooks") { Description = "Also scripts that recall and store without the agent's asking (claude)" };
        var remove = new Option<bool>("--remove") { Description = "Take out again what the same command without it writes" };
        var command = new Command("install", "Tell a client where the memory is; other entries of its settings stay as they are") { client, project, user, stdio, hooks, print, remove };
        command.Validators.Add(result =>
        {
            if (result.GetResult(project) is not null && result.GetValue(user))
            {
                result.AddError("--project and --user exclude each other.");
            }

            if (result.GetValue(hooks) && result.GetValue(client) != "claude")
            {
                result.AddError("--hooks is for claude.");
            }

            if (result.GetValue(print) && result.GetValue(remove))
            {
                result.AddError("--print and --remove exclude each other.");
            }
        });
        command.SetAction((parsed, ct) =>
        {
            var target = McpClient.All.Single(c => c.Name == parsed.GetRequiredValue(client));
            var named = options.Named(parsed);
            var address = named ?? ServiceConnection.Usual(Settings.Load().Configuration, options.Key(parsed))
                ?? throw new CliException("the service has no address of its own in the settings: name it with --url.", ExitCode.WrongUsage);
            var place = parsed.GetValue(user) ? null : parsed.GetValue(project)?.FullName ?? Directory.GetCurrentDirectory();
            var entry = parsed.GetValue(stdio) ? target.Stdio(named?.Url) : target.Http(address);
            var scripts = parsed.GetValue(hooks) ? new ClaudeHooks(place, named?.Url) : null;
            var work = new Installation(target, entry, place, scripts, address.ApiKey is not null, options.IsJson(parsed), terminal);
            return parsed.GetValue(print) ? Task.FromResult(work.Print()) : parsed.GetValue(remove) ? work.RemoveAsync(ct) : work.WriteAsync(ct);
        });
        return command;
    }

    /// <param name="Project">The project's folder; null: for the user.</param>
    /// <param name="Hooks">Null where none are wanted.</param>
    private sealed record Installation(McpClient Client, JsonObject Entry, string? Project, ClaudeHooks? Hooks, bool HasKey, bool Json, Terminal Terminal)
    {
        private string? File => Project is null ? Client.UserFile : Client.ProjectFile is { } file ? Path.Combine(Project, file) : null;

        public int Print()
        {
            if (!Json)
            {
                Terminal.Say(File is { } file ? $"in {file}:" : "in the client's settings:");
            }

            Terminal.Out.WriteLine(Client.Document(Entry).ToJsonString(Readable));
            if (Hooks is not null)
            {
                Terminal.Say($"in {Hooks.File}, with {string.Join(", ", ClaudeHooks.Scripts)} of integrations/claude-code in {Hooks.Folder}:");
                Terminal.Out.WriteLine(Hooks.Document.ToJsonString(Readable));
            }

            SayKey();
            return ExitCode.Done;
        }

        public async Task<int> WriteAsync(CancellationToken ct)
        {
            var file = Known();
            var changed = await JsonFile.ChangeAsync(file, document => Client.MergeInto(document, Entry), ct);
            var hooked = false;
            if (Hooks is not null)
            {
                await Hooks.WriteScriptsAsync(ct);
                hooked = await JsonFile.ChangeAsync(Hooks.File, Hooks.MergeInto, ct);
                SayTools();
            }

            Answer("wrote", file, changed, hooked);
            SayKey();
            return ExitCode.Done;
        }

        public async Task<int> RemoveAsync(CancellationToken ct)
        {
            var file = Known();
            var changed = await JsonFile.ChangeAsync(file, Client.RemoveFrom, ct);
            var hooked = false;
            if (Hooks is not null)
            {
                hooked = await JsonFile.ChangeAsync(Hooks.File, ClaudeHooks.RemoveFrom, ct);
                Hooks.RemoveScripts();
            }

            Answer("took out of", file, changed, hooked);
            return ExitCode.Done;
        }

        private string Known() => File ?? throw new CliException(
            Client.UserFile is null ? "this client's settings are not known: --print shows what to tell it." : $"{Client.Name} has one file for all projects: use --user.", ExitCode.WrongUsage);

        private void Answer(string done, string file, bool changed, bool hooked)
        {
            if (Json)
            {
                Terminal.WriteJson(new { client = Client.Name, file, changed, entry = Entry, hooks = Hooks is null ? null : new { file = Hooks.File, folder = Hooks.Folder, changed = hooked } });
                return;
            }

            Terminal.Out.WriteLine($"{(changed ? done : "left, as it says so already:")} {file}");
            if (Hooks is not null)
            {
                Terminal.Out.WriteLine($"{(hooked ? done : "left, as it says so already:")} {Hooks.File}");
            }
        }

        private void SayTools()
        {
            var missing = ClaudeHooks.Tools.Where(t => !IsInstalled(t)).ToList();
            if (missing.Count > 0)
            {
                Terminal.Say($"the hooks do nothing until there is {string.Join(" and ", missing)}");
            }
        }

        private static bool IsInstalled(string tool) =>
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Any(folder => System.IO.File.Exists(Path.Combine(folder, tool)) || System.IO.File.Exists(Path.Combine(folder, tool + ".exe")));

        private void SayKey()
        {
            if (HasKey)
            {
                Terminal.Say($"the key itself is not written: set {GlobalOptions.ApiKeyVariable} where the client is started");
            }
        }
    }
}
