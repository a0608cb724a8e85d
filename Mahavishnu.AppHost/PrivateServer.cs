using System.Diagnostics;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Mahavishnu.AppHost;

/// <summary>The private server of <c>infra/postgres</c> as an executable of the dashboard: the same server, and the same memories, as under <c>mahavishnu up</c>.</summary>
internal static class PrivateServer
{
    public static IResourceBuilder<IResourceWithConnectionString> AddPrivateServer(this IDistributedApplicationBuilder builder, string name)
    {
        var script = new PrivateServerScript(Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", "infra", "postgres")));
        var check = $"{name}_check";
        builder.Services.AddHealthChecks().AddAsyncCheck(check, script.CheckAsync);
        var server = builder.AddExecutable(name, "bash", script.Folder, PrivateServerScript.File, "run", Resources.Database)
            .WithHealthCheck(check);
        return builder.AddConnectionString(Resources.Database, ReferenceExpression.Create($"{script}")).WaitFor(server);
    }
}

/// <summary>The server's own script. It knows port and password, which the server's first start makes up.</summary>
internal sealed class PrivateServerScript(string folder) : IValueProvider, IManifestExpressionProvider
{
    public const string File = "local.sh";

    public string Folder => folder;

    public string ValueExpression => $"{{{Resources.Database}.connectionString}}";

    /// <summary>The connection string. Ask once the server runs: before its first start there is none.</summary>
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        using var script = Process.Start(new ProcessStartInfo("bash", [File, "url", Resources.Database])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        }) ?? throw new DistributedApplicationException("bash could not be started.");
        var errors = script.StandardError.ReadToEndAsync(cancellationToken);
        var url = await script.StandardOutput.ReadToEndAsync(cancellationToken);
        await script.WaitForExitAsync(cancellationToken);
        return script.ExitCode == 0 ? url.Trim() : throw new DistributedApplicationException((await errors).Trim());
    }

    public async Task<HealthCheckResult> CheckAsync(CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(await GetValueAsync(ct));
            await connection.OpenAsync(ct);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is NpgsqlException or DistributedApplicationException)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
    }
}
