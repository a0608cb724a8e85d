using System.CommandLine;
using Mahavishnu.Mcp;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Server;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu mcp</c>: the agents' door on standard input and output, for clients that start a program instead of calling an address.</summary>
internal static class McpCommand
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var profile = new Option<string?>("--profile") { Description = "default or admin (Mcp:Profile)", HelpName = "P" };
        profile.AcceptOnly("default", "admin");
        var command = new Command("mcp", "Speak the Model Context Protocol on standard input and output, until the client hangs up")
        {
            profile,
            McpInstallCommand.Create(options, terminal),
        };
        command.SetAction(async (parsed, ct) =>
        {
            // A service that was named may be started later: until then each call says that it does not answer. Nothing else is started in its place.
            var address = options.Named(parsed) ?? await ServiceConnection.FindAsync(options, parsed, ct);
            string[] roots = [Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)];
            await using var service = await ServiceConnection.OpenAsync(address, roots, terminal, ct);
            return await ServeAsync(service, parsed.GetValue(profile), ct);
        });
        return command;
    }

    private static async Task<int> ServeAsync(ServiceConnection service, string? profile, CancellationToken ct)
    {
        var builder = Settings.Load();
        if (profile is not null)
        {
            builder.Configuration.AddInMemoryCollection([new("Mcp:Profile", profile)]);
        }

        builder.AddServiceClients(service.Http);
        builder.AddMcp();
        // Not started: there is nothing to listen to but the client.
        await using var app = builder.Build();
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        var server = app.Services.GetRequiredService<IOptions<McpServerOptions>>().Value;
        await using var transport = new StdioServerTransport(server, loggers);
        await using var session = McpServer.Create(transport, server, loggers, app.Services);
        await session.RunAsync(ct);
        return ExitCode.Done;
    }
}
