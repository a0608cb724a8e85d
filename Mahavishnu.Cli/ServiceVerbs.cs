using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>Verbs that ask a service one thing: the one that runs, or else one in this process for the time of the call.</summary>
internal sealed class ServiceVerbs(GlobalOptions options, Terminal terminal)
{
    /// <summary>Gives the command its action.</summary>
    public Command On(Command command, Func<ServiceCall, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, ct) =>
        {
            await using var service = await ServiceConnection.OpenAsync(await ServiceConnection.FindAsync(options, parsed, ct), roots: [], terminal, ct);
            return await action(new ServiceCall(service, parsed, options.IsJson(parsed), terminal), ct);
        });
        return command;
    }
}

/// <summary>One call of such a verb.</summary>
internal sealed class ServiceCall(ServiceConnection service, ParseResult parsed, bool json, Terminal terminal)
{
    public ParseResult Parsed => parsed;

    public Terminal Terminal => terminal;

    public HttpClient Http => service.Http;

    public AdminClient Admin { get; } = new(service.Http);

    /// <summary>The answer as JSON where that was asked for, else as <paramref name="write"/> has it.</summary>
    public void Answer<T>(T answer, Action write)
    {
        if (json)
        {
            terminal.WriteJson(answer);
        }
        else
        {
            write();
        }
    }

    /// <summary>For work that was only accepted: a service of our own ends with this call.</summary>
    public void SayWhoGoesOn()
    {
        if (service.IsOwn)
        {
            terminal.Say("no service runs: the work goes on when one does (`mahavishnu up`)");
        }
    }
}
