using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Storage;

/// <summary>The knobs of the database connection (section <c>Database</c>).</summary>
public sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>Connections kept open. The plan's 5, shared by the services of a deployment.</summary>
    [Range(0, 1_000)] public int MinPoolSize { get; set; } = 5;

    /// <summary>With <see cref="MaxOverflow"/>, the connections of all services together: the plan's 20 + 30.</summary>
    [Range(1, 10_000)] public int PoolSize { get; set; } = 20;

    /// <summary>Connections above <see cref="PoolSize"/> under load.</summary>
    [Range(0, 10_000)] public int MaxOverflow { get; set; } = 30;

    /// <summary>Most connections of this process; 0 takes the service's share of all (ingest 20 of 50, search 20, migration 10, one process with everything 50) divided by <see cref="Replicas"/>.</summary>
    [Range(0, 10_000)] public int MaxPoolSize { get; set; }

    /// <summary>How many processes share the service's part of the pool.</summary>
    [Range(1, 1_000)] public int Replicas { get; set; } = 1;

    /// <summary>Statements of searches and small writes that each connection keeps prepared; 0 where a pooler between here and the server cannot keep them.</summary>
    [Range(0, 1_000)] public int PreparedStatements { get; set; } = 40;

    /// <summary>Seconds after which an idle connection above <see cref="MinPoolSize"/> is closed.</summary>
    [Range(1, 86_400)] public int IdleLifetimeSeconds { get; set; } = 300;

    /// <summary>Seconds to wait for a connection, from the pool or from the server.</summary>
    [Range(1, 600)] public int ConnectTimeoutSeconds { get; set; } = 10;

    /// <summary>Seconds a statement may take; index builds have none.</summary>
    [Range(1, 86_400)] public int CommandTimeoutSeconds { get; set; } = 60;
}

[OptionsValidator]
internal sealed partial class DatabaseOptionsValidator : IValidateOptions<DatabaseOptions>;
