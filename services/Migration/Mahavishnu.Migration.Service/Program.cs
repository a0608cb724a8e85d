using Mahavishnu.Contracts;
using Mahavishnu.Migration;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

const string Migrate = "--migrate";

if (!args.Contains(Migrate))
{
    return await ServiceHost.RunAsync(
        args, Resources.Migration,
        builder => builder.AddMahavishnuDatabase(PoolShare.Migration).AddMigration(),
        app => app.MapDefaultEndpoints().MapMigration());
}

// Upgrade the schema and exit: a job beside the services, which serves nothing and so needs no address.
return await ServiceHost.ReportAsync(async () =>
{
    var builder = Host.CreateApplicationBuilder([.. args.Where(a => a != Migrate)]);
    builder.AddServiceDefaults(Resources.Migration).AddMahavishnuDatabase(PoolShare.Migration).AddMigration();
    using var host = builder.Build();
    return await host.UpgradeSchemaAsync();
});
