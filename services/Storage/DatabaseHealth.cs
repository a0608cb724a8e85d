using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Check <c>PostgreSql</c>: which database, and whether it answers. Data: database, serverVersion, pgvector, schemaVersion.</summary>
internal sealed class DatabaseHealthCheck(DatabaseStateStore state, DatabaseStartup startup) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["database"] = state.Database };
        if (startup.NotReady is { } reason)
        {
            return HealthCheckResult.Unhealthy(reason, data: data);
        }

        try
        {
            var server = await state.ReadAsync(cancellationToken);
            data["serverVersion"] = server.ServerVersion;
            data["pgvector"] = server.PgvectorVersion ?? "";
            data["schemaVersion"] = server.SchemaVersion;
            return HealthCheckResult.Healthy("PostgreSQL answers", data);
        }
        catch (NpgsqlException e)
        {
            return HealthCheckResult.Unhealthy($"The database does not answer: {e.Message}", data: data);
        }
    }
}

/// <summary>Check <c>migration</c>: whether the schema is the one this program was written for. Data: applied, known.</summary>
internal sealed class SchemaHealthCheck(SchemaStore schema) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["known"] = SchemaStore.ProgramVersion };
        try
        {
            var applied = await schema.ReadAsync(cancellationToken);
            data["applied"] = applied.Count == 0 ? 0 : applied[^1].Number;
            schema.RequireCurrent(applied);
            return HealthCheckResult.Healthy("The schema is up to date", data);
        }
        catch (SchemaException e)
        {
            return HealthCheckResult.Unhealthy(e.Message, data: data);
        }
        catch (NpgsqlException e)
        {
            return HealthCheckResult.Unhealthy($"The database does not answer: {e.Message}", data: data);
        }
    }
}

/// <summary>Part <c>embedding</c>: the active space. Without one, searching by words goes on.</summary>
internal static class EmbeddingHealth
{
    public static async Task<HealthCheckResult> LookAsync(EmbeddingSpaceStore spaces, CancellationToken ct) =>
        await spaces.FindActiveAsync(ct) is { } space
            ? HealthCheckResult.Healthy(
                "Memories are found by meaning",
                new Dictionary<string, object>(StringComparer.Ordinal) { ["model"] = space.Model, ["dimensions"] = space.Dimensions, ["index"] = space.IndexState })
            : HealthCheckResult.Degraded("No embedding space yet: searching by words only.");
}
