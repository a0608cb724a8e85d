using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>What stays prepared on a connection, and what a failure leaves behind there.</summary>
public sealed class KeptStatementsTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_statement_that_failed_before_it_said_what_its_rows_are_works_the_next_time()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var app = Build(database);
        var db = app.Services.GetRequiredService<NpgsqlDataSource>();

        // Constants are computed when the parameters are bound, before the rows are described: where a cancellation meets a statement that takes long to plan.
        for (var time = 0; time < 5; time++)
        {
            await Assert.ThrowsAsync<PostgresException>(() => QuotientAsync(db, 0));
        }

        Assert.Equal(5, await QuotientAsync(db, 2));
    }

    [Fact]
    public async Task No_connection_keeps_more_statements_than_it_may_and_what_is_not_kept_works_all_the_same()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var app = Build(database, ("Database:PreparedStatements", "2"));
        var (db, kept) = (app.Services.GetRequiredService<NpgsqlDataSource>(), app.Services.GetRequiredService<KeptStatements>());
        await using var connection = await db.OpenConnectionAsync(Ct);

        for (var round = 0; round < 2; round++)
        {
            for (var number = 1; number <= 4; number++)
            {
                await using var batch = connection.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT {number} + $1")) { Parameters = { new NpgsqlParameter<int> { TypedValue = 10 } } });
                await kept.PrepareAsync(batch, Ct);
                Assert.Equal(number + 10, await batch.ExecuteScalarAsync(Ct));
            }
        }

        await using var count = new NpgsqlCommand("SELECT count(*) FROM pg_prepared_statements", connection);
        Assert.Equal(2L, await count.ExecuteScalarAsync(Ct));
    }

    private static async Task<int> QuotientAsync(NpgsqlDataSource db, int divisor)
    {
        await using var command = db.CreateCommand("SELECT 10 / $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = divisor });
        return (int)(await command.ExecuteScalarAsync(Ct))!;
    }

    /// <summary>The services' own data source, with one connection: whatever one caller leaves there the next one meets.</summary>
    private static WebApplication Build(TestDatabase database, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        foreach (var (key, value) in settings.Append(("ConnectionStrings:mahavishnu", database.ConnectionString)).Append(("Database:MaxPoolSize", "1")).Append(("Database:MinPoolSize", "0")))
        {
            builder.Configuration[key] = value;
        }

        builder.Logging.ClearProviders();
        builder.AddMahavishnuDatabase();
        return builder.Build();
    }
}
