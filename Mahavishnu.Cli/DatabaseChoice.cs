using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli;

/// <summary>The database of this call: the one that is configured, else the private server's. What is configured is never silently replaced.</summary>
/// <param name="Given">Configured by the user, and therefore theirs to start, stop and save.</param>
internal sealed record DatabaseChoice(string ConnectionString, bool Given)
{
    /// <summary>For people: no password.</summary>
    public string Description => $"{(Given ? "given" : "private")} database {DatabaseConnection.Mask(ConnectionString)}";

    /// <exception cref="DatabaseConfigurationException">What is configured cannot be read, or contradicts itself.</exception>
    public static async Task<DatabaseChoice> MakeAsync(IConfiguration configuration, CancellationToken ct) =>
        DatabaseConnection.Find(configuration) is { } given
            ? new DatabaseChoice(given, Given: true)
            : new DatabaseChoice(await PrivateDatabase.UpAsync(Resources.Database, fresh: false, ct), Given: false);

    /// <summary>An empty database of that name on the same server; whatever the database of this call holds stays untouched.</summary>
    public static async Task<DatabaseChoice> MakeFreshAsync(IConfiguration configuration, string name, CancellationToken ct) =>
        DatabaseConnection.Find(configuration) is { } given
            ? new DatabaseChoice(await DemoDatabaseStore.RecreateAsync(given, ct), Given: true)
            : new DatabaseChoice(await PrivateDatabase.UpAsync(name, fresh: true, ct), Given: false);

    /// <summary>Lets the modules find it, whichever way it was found.</summary>
    public void ApplyTo(IConfigurationManager configuration) => configuration.AddInMemoryCollection(
    [
        new($"ConnectionStrings:{Resources.Database}", ConnectionString),
        .. DatabaseConnection.OtherKeys.Select(key => KeyValuePair.Create(key, (string?)"")),
    ]);
}
