using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Check <c>PostgreSql</c>: which database, and whether it answers with the right schema. Data: database, serverVersion, pgvector, schemaVersion.</summary>
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
            return server.SchemaVersion == SchemaStore.ProgramVersion
                ? HealthCheckResult.Healthy("PostgreSQL answers", data)
                : HealthCheckResult.Unhealthy($"The schema is at version {server.SchemaVersion}, this program needs {SchemaStore.ProgramVersion}.", data: data);
        }
        catch (NpgsqlException e)
        {
            return HealthCheckResult.Unhealthy($"The database does not answer: {e.Message}", data: data);
        }
    }
}

/// <summary>Check <c>embedding</c>: the active space and the queue. Never unhealthy: without a model, searching by words goes on.</summary>
internal sealed class EmbeddingHealthCheck(EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, DatabaseStartup startup) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (startup.NotReady is not null)
        {
            return HealthCheckResult.Degraded("The database is not ready.");
        }

        try
        {
            var status = await queue.StatusAsync(cancellationToken);
            var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["pending"] = status.Pending, ["running"] = status.Running, ["failed"] = status.Failed };
            if (await spaces.FindActiveAsync(cancellationToken) is not { } space)
            {
                return HealthCheckResult.Degraded("No embedding space yet: searching by words only.", data: data);
            }

            data["model"] = space.Model;
            data["dimensions"] = space.Dimensions;
            data["index"] = space.IndexState;
            return status.Failed > 0
                ? HealthCheckResult.Degraded($"{status.Failed} memories could not be embedded; see /api/v1/embeddings/dead-letters.", data: data)
                : HealthCheckResult.Healthy("No memory has failed", data);
        }
        catch (NpgsqlException e)
        {
            return HealthCheckResult.Degraded($"The database does not answer: {e.Message}");
        }
    }
}
