using System.Text.Json;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>Where the program writes: answers to standard output, everything else (progress, remarks, errors) to standard error.</summary>
internal sealed class Terminal
{
    private static readonly JsonSerializerOptions Json = new(WireJson.Lenient) { WriteIndented = true };

    /// <param name="input">Null: the program's own.</param>
    public Terminal(TextWriter output, TextWriter error, TextReader? input = null)
    {
        Out = output;
        Error = error;
        In = input ?? Console.In;
        Screen = Create(output);
        Messages = Create(error);
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public TextReader In { get; }

    /// <summary>Standard output with colours and tables where it is a terminal.</summary>
    public IAnsiConsole Screen { get; }

    /// <summary>Standard error, for progress.</summary>
    public IAnsiConsole Messages { get; }

    public void Say(string message) => Error.WriteLine($"mahavishnu: {message}");

    public void WriteJson<T>(T value) => Out.WriteLine(JsonSerializer.Serialize(value, Json));

    /// <summary>A table on standard output.</summary>
    public void Table(IEnumerable<string> head, IEnumerable<string[]> rows)
    {
        var table = new Table().RoundedBorder();
        foreach (var name in head)
        {
            table.AddColumn(new TableColumn(new Text(name)));
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        Screen.Write(table);
    }

    private static IAnsiConsole Create(TextWriter writer)
    {
        var output = new AnsiConsoleOutput(writer);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = output,
            // A pipe or a file gets no colour codes, whatever TERM says.
            Ansi = output.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = output.IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!output.IsTerminal)
        {
            // What goes into a file or a pipe is read by programs: no line is broken to fit a screen that is not there.
            console.Profile.Width = 500;
        }

        return console;
    }
}
