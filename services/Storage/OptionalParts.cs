using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>How a module adds a part of the health document without which the rest goes on: whatever befalls it, it is degraded and never unhealthy.</summary>
public static class OptionalParts
{
    /// <param name="name">As the document has it.</param>
    /// <param name="look">Asked once the database is ready; what the database then fails with becomes the part's message.</param>
    /// <param name="tags"><c>ready</c>: shown in <c>/health/ready</c>, too.</param>
    public static IHealthChecksBuilder AddOptionalPart(
        this IHealthChecksBuilder checks, string name, Func<IServiceProvider, CancellationToken, Task<HealthCheckResult>> look, params string[] tags) =>
        checks.Add(new HealthCheckRegistration(
            name, services => new OptionalPart(services.GetRequiredService<DatabaseStartup>(), ct => look(services, ct)), HealthStatus.Degraded, tags));

    private sealed class OptionalPart(DatabaseStartup startup, Func<CancellationToken, Task<HealthCheckResult>> look) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (startup.NotReady is not null)
            {
                return HealthCheckResult.Degraded("The database is not ready.");
            }

            try
            {
                return await look(cancellationToken);
            }
            catch (NpgsqlException e)
            {
                return HealthCheckResult.Degraded($"The database does not answer: {e.Message}");
            }
        }
    }
}
