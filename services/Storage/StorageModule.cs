using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>A process's part of the 50 connections that all services of a deployment share.</summary>
public static class PoolShare
{
    /// <summary>One process with every module.</summary>
    public const int All = 50;
    public const int Ingest = 20;
    public const int Search = 20;
    public const int Migration = 10;
}

/// <summary>The vector store as a host sees it: one data source, the stores over it, and their health.</summary>
public static class StorageModule
{
    private const string GssEncryption = "GSS Encryption Mode";

    /// <summary>Registers the database that the configuration names, the stores, and the checks <c>PostgreSql</c>, <c>migration</c> and <c>embedding</c> (tag <c>ready</c>). Takes Aspire's <c>Aspire:Npgsql</c> keys.</summary>
    /// <remarks>Nothing connects before the host starts. The schema is not changed: <see cref="SchemaStore.UpgradeAsync"/> is a step of its own.</remarks>
    public static TBuilder AddMahavishnuDatabase<TBuilder>(this TBuilder builder, int poolShare = PoolShare.All) where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DatabaseOptions>, DatabaseOptionsValidator>());
        services.AddOptions<TextOptions>().BindConfiguration(TextOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TextOptions>, TextOptionsValidator>());
        services.TryAddSingleton<TextLanguages>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<TenantScope>();
        services.TryAddSingleton<KeptStatements>();
        // Which database it is, is known once every layer of the configuration is there.
        services.AddNpgsqlDataSource("", (provider, source) => Configure(source, provider, poolShare));
        services.TryAddSingleton<SchemaStore>();
        services.TryAddSingleton<EmbeddingSpaceStore>();
        services.TryAddSingleton<EmbeddingQueueStore>();
        services.TryAddSingleton<EmbeddingFillStore>();
        services.TryAddSingleton<EmbeddingCacheStore>();
        services.TryAddSingleton<StorageTelemetry>();
        services.TryAddSingleton<MemoryWriteStore>();
        services.TryAddSingleton<MemoryUpkeepStore>();
        services.TryAddSingleton<MemoryTimeStore>();
        services.TryAddSingleton<VectorIndexStore>();
        services.TryAddSingleton<IndexRecallStore>();
        services.TryAddSingleton<OperationStore>();
        services.TryAddSingleton<PinnedQueryStore>();
        services.TryAddSingleton<SampledQueryStore>();
        services.TryAddSingleton<AskedQuestionStore>();
        services.TryAddSingleton<NearestStore>();
        services.TryAddSingleton<EmbeddingSignal>();
        services.TryAddSingleton<DatabaseStateStore>();
        services.TryAddSingleton<DatabaseStartup>();
        services.AddHostedService(provider => provider.GetRequiredService<DatabaseStartup>());
        Observe(services, NpgsqlSettings.Read(builder.Configuration));
        return builder;
    }

    /// <summary>Registers work of one kind that outlives a request, and the worker that runs it.</summary>
    public static IServiceCollection AddOperationHandler<THandler>(this IServiceCollection services) where THandler : class, IOperationHandler
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOperationHandler, THandler>());
        services.TryAddSingleton<OperationWorker>();
        // AddHostedService would start one worker for each handler.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OperationWorker>(p => p.GetRequiredService<OperationWorker>()));
        return services;
    }

    /// <summary>Registers the counter of used insights, once whoever asks for it.</summary>
    public static IServiceCollection AddInsightUsage(this IServiceCollection services)
    {
        services.TryAddSingleton<InsightUsageStore>();
        services.TryAddSingleton<InsightUsageCounter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, InsightUsageCounter>(p => p.GetRequiredService<InsightUsageCounter>()));
        return services;
    }

    /// <summary>A data source as the services use it: for tools and tests that have a connection string and no host.</summary>
    public static NpgsqlDataSource OpenDataSource(string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString);
        Configure(source);
        return source.Build();
    }

    /// <summary>Health, traces and metrics under the names that Aspire.Npgsql gives them.</summary>
    private static void Observe(IServiceCollection services, NpgsqlSettings settings)
    {
        var health = services.AddHealthChecks();
        if (settings.DisableHealthChecks)
        {
            // Readiness asks for the schema alone then; the health document has its component all the same.
            health.AddCheck<DatabaseHealthCheck>("postgresql");
        }
        else
        {
            health.AddCheck<DatabaseHealthCheck>("PostgreSql", tags: ["ready"]);
        }

        health.AddCheck<SchemaHealthCheck>("migration", tags: ["ready"])
            .AddOptionalPart("embedding", static (provider, ct) => EmbeddingHealth.LookAsync(provider.GetRequiredService<EmbeddingSpaceStore>(), ct), "ready");
        if (!settings.DisableTracing)
        {
            services.AddOpenTelemetry().WithTracing(traces => traces.AddNpgsql());
        }

        if (!settings.DisableMetrics)
        {
            services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Npgsql"));
        }
    }

    private static void Configure(NpgsqlDataSourceBuilder source)
    {
        source.UseVector();
        // Telemetry would else name the pool by its connection string.
        source.Name = Resources.Database;
        var connection = source.ConnectionStringBuilder;
        if (connection.Host is "127.0.0.1" or "localhost" or "::1" && !connection.ShouldSerialize(GssEncryption))
        {
            // Npgsql asks for Kerberos encryption first, and where that library is missing it says so on stderr. On loopback nobody listens.
            connection.GssEncryptionMode = GssEncryptionMode.Disable;
        }
    }

    private static void Configure(NpgsqlDataSourceBuilder source, IServiceProvider provider, int poolShare)
    {
        var options = provider.GetRequiredService<IOptions<DatabaseOptions>>().Value;
        var connection = source.ConnectionStringBuilder;
        connection.ConnectionString = DatabaseConnection.Require(provider.GetRequiredService<IConfiguration>());
        Configure(source);
        var most = options.MaxPoolSize > 0 ? options.MaxPoolSize : Math.Max(2, poolShare * (options.PoolSize + options.MaxOverflow) / PoolShare.All / options.Replicas);
        connection.MaxPoolSize = most;
        connection.MinPoolSize = Math.Min(options.MinPoolSize, most);
        connection.ConnectionIdleLifetime = options.IdleLifetimeSeconds;
        connection.ConnectionPruningInterval = Math.Min(connection.ConnectionPruningInterval, options.IdleLifetimeSeconds);
        connection.Timeout = options.ConnectTimeoutSeconds;
        connection.CommandTimeout = options.CommandTimeoutSeconds;
        connection.ApplicationName ??= provider.GetRequiredService<IHostEnvironment>().ApplicationName;
    }
}
