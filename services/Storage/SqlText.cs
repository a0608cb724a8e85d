using System.Data.Common;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Makes commands from statements that are put together: from constants and a space's own number, never from what a user said. The one place where CA2100 is answered.</summary>
public static class SqlText
{
#pragma warning disable CA2100
    public static NpgsqlCommand Command(string sql, NpgsqlConnection connection, NpgsqlTransaction? transaction = null) => new(sql, connection, transaction);

    public static NpgsqlCommand Command(string sql, NpgsqlTransaction transaction) => new(sql, transaction.Connection, transaction);

    public static NpgsqlCommand Command(string sql, NpgsqlDataSource db) => db.CreateCommand(sql);

    /// <summary>Of another database: its tables are named as its catalogue names them, quoted.</summary>
    public static TCommand With<TCommand>(TCommand command, string sql)
        where TCommand : DbCommand
    {
        command.CommandText = sql;
        return command;
    }
#pragma warning restore CA2100
}
