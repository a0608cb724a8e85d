using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Cli;

/// <summary>All verbs, and how their failures become a message and an exit code.</summary>
internal static class CommandLine
{
    private const string Name = "mahavishnu";

    // A question may begin with @; it is no file of arguments.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    /// <param name="args">As they were given, for the verb that passes them on.</param>
    public static Command Create(Terminal terminal, IReadOnlyList<string> args)
    {
        var options = new GlobalOptions();
        // Not a RootCommand: that one is named for the assembly, not for what the user typed.
        return new Command(Name, "One memory for all of a developer's agents, workflows and repositories.")
        {
            new HelpOption { Action = new HelpOfOneCommand() },
            new Option<bool>("--version") { Description = "Say which version this is", Action = new SayVersion() },
            options.Url,
            options.ApiKey,
            options.Json,
            UpCommand.Create(options, terminal),
            DemoCommand.Create(options, terminal),
            IngestCommand.Create(options, terminal),
            ImportCommand.Create(options, terminal),
            SearchCommand.Create(options, terminal),
            MemoryCommand.Create(options, terminal),
            ConversationCommand.Create(options, terminal),
            InsightCommand.Create(options, terminal),
            WorkflowCommand.Create(options, terminal),
            ProjectCommand.Create(options, terminal),
            StatusCommand.Create(options, terminal),
            EmbeddingsCommand.Create(options, terminal),
            EvalCommand.Create(options, terminal),
            DbCommands.Create(options, terminal),
            ConfigCommand.Create(options, terminal),
            McpCommand.Create(options, terminal),
            TestCommand.Create(terminal, args),
        };
    }

    public static ParseResult Parse(Terminal terminal, IReadOnlyList<string> args) => Create(terminal, args).Parse(args, Parsing);

    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken ct)
    {
        if (args.Count == 0)
        {
            // Whoever types the bare name wants to know what there is; a script that does so has forgotten something.
            await Parse(terminal, ["--help"]).InvokeAsync(new InvocationConfiguration { Output = terminal.Error }, ct);
            return ExitCode.WrongUsage;
        }

        var parsed = Parse(terminal, args);
        if (parsed.Action is ParseErrorAction)
        {
            // "Required command was not provided" explains nothing beside the word that was not understood.
            foreach (var error in parsed.Errors.Skip(parsed.Errors.Count > 1 && parsed.CommandResult.Command.Subcommands.Count > 0 ? 1 : 0))
            {
                terminal.Say(error.Message);
            }

            terminal.Say($"`{Path(parsed.CommandResult)} --help` says how it is used.");
            return ExitCode.WrongUsage;
        }

        try
        {
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // Ending has the signals
                Output = terminal.Out,
                Error = terminal.Error,
            };
            return await parsed.InvokeAsync(configuration, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            terminal.Say("stopped");
            return ExitCode.Failed;
        }
        catch (CliException e)
        {
            if (!e.Said)
            {
                terminal.Say(e.Message);
            }

            return e.Code;
        }
        catch (Exception e) when (Explain(e) is { } lines)
        {
            foreach (var line in lines)
            {
                terminal.Say(line);
            }

            return ExitCode.Failed;
        }
    }

    /// <summary>Failures of the world around the program, in a line each; null for a bug, whose stack trace is wanted.</summary>
    private static IReadOnlyList<string>? Explain(Exception e) => e switch
    {
        ApiException api => [api.Message],
        DatabaseConfigurationException or SchemaException => [e.Message],
        TaskCanceledException { InnerException: TimeoutException } => ["the service did not answer in time; what was asked of it may still be done"],
        HttpRequestException => [$"the service does not answer: {e.Message}"],
        NpgsqlException => [$"the database does not answer: {e.Message}"],
        _ => StartupErrors.Describe(e),
    };

    private static string Path(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{Path(parent)} {command.Command.Name}" : Name;

    /// <summary>The usual help, without the arguments of the commands above: <c>import PATH…</c> wants a PATH, <c>import undo ID</c> does not.</summary>
    private sealed class HelpOfOneCommand : SynchronousCommandLineAction
    {
        private readonly HelpAction _usual = new();

        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            // The commands are made anew for every run of the program.
            for (var above = parseResult.CommandResult.Parent as CommandResult; above is not null; above = above.Parent as CommandResult)
            {
                foreach (var argument in above.Command.Arguments)
                {
                    argument.Hidden = true;
                }
            }

            return _usual.Invoke(parseResult);
        }
    }

    private sealed class SayVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(ProgramVersion.Current);
            return ExitCode.Done;
        }
    }
}
