using Mahavishnu.Embeddings;
using Mahavishnu.Ingest;
using Mahavishnu.Mcp;
using Mahavishnu.Migration;
using Mahavishnu.Search;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Connections;

namespace Mahavishnu.Cli;

/// <summary>Every module in one process, on one database, behind one address: what <c>up</c> serves, and what a verb starts where no service runs.</summary>
internal sealed class AllInOne : IAsyncDisposable
{
    private const string Roots = "Ingest:Roots";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly WebApplication _app;

    private AllInOne(WebApplication app, DatabaseChoice database, IReadOnlyList<SchemaMigration> upgrades)
    {
        _app = app;
        Database = database;
        Upgrades = upgrades;
        Url = new Uri(app.Urls.First());
    }

    public DatabaseChoice Database { get; }

    /// <summary>What the schema got at this start.</summary>
    public IReadOnlyList<SchemaMigration> Upgrades { get; }

    /// <summary>Where it listens.</summary>
    public Uri Url { get; }

    public ServiceAddress Address => new(Url, _app.Configuration["Auth:ApiKey"]);

    /// <param name="builder">From <see cref="Settings.Load"/>; what is asked for beyond the settings has been added to it.</param>
    /// <param name="roots">Directories that may be ingested where the settings name none.</param>
    public static async Task<AllInOne> StartAsync(WebApplicationBuilder builder, DatabaseChoice database, IReadOnlyCollection<string> roots, CancellationToken ct)
    {
        IReadOnlyList<SchemaMigration> upgrades;
        await using (var db = StorageModule.OpenDataSource(database.ConnectionString))
        {
            upgrades = await new SchemaStore(db).UpgradeAsync(ct);
        }

        database.ApplyTo(builder.Configuration);
        AllowRoots(builder.Configuration, roots);
        builder.AddMahavishnuDatabase();
        builder.AddEmbeddings();
        builder.AddIngest();
        builder.AddSearch();
        builder.AddMigration();
        builder.AddServiceClients();
        builder.AddMcp();

        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        app.MapIngest();
        app.MapSearch();
        app.MapMigration();
        app.MapMcp();
        app.MapApiPage();
        try
        {
            await app.StartServiceAsync(ct);
            app.AnswerToEveryName();
        }
        catch (Exception e)
        {
            await StopAsync(app);
            if (e is IOException { InnerException: AddressInUseException })
            {
                throw new CliException($"{e.Message.TrimEnd('.')}. Is `mahavishnu up` running already? If not, choose another port with --port.");
            }

            throw;
        }

        return new AllInOne(app, database, upgrades);
    }

    /// <summary>Waits until <c>/health/ready</c> says so: connections are open, the model is loaded.</summary>
    public async Task WarmAsync(CancellationToken ct)
    {
        using var http = new HttpClient { BaseAddress = Url };
        using var timer = new PeriodicTimer(Look);
        do
        {
            using var response = await http.GetAsync(new Uri(HealthRoutes.Ready, UriKind.Relative), ct);
            if (response.IsSuccessStatusCode)
            {
                return;
            }
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    /// <summary>Serves until the token or a signal ends it.</summary>
    public Task WaitAsync(CancellationToken ct) => _app.WaitForShutdownAsync(ct);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await Stopping.CloseAsync(_app);
    }

    /// <summary>After a start that failed: what had started before the failure would work on without a home.</summary>
    private static async Task StopAsync(WebApplication app)
    {
        try
        {
            await app.StopAsync(CancellationToken.None);
        }
        catch (Exception)
        {
            // A host that did not get far cannot be stopped either; why it did not is what there is to say.
        }

        await app.DisposeAsync();
    }

    private static void AllowRoots(IConfigurationManager configuration, IReadOnlyCollection<string> roots)
    {
        if (!configuration.GetSection(Roots).Exists())
        {
            configuration.AddInMemoryCollection(roots.Select((root, i) => KeyValuePair.Create(FormattableString.Invariant($"{Roots}:{i}"), (string?)root)));
        }
    }
}
