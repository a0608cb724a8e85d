using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Ingest;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

return await ServiceHost.RunAsync(
    args, Resources.Ingest,
    builder => builder.AddMahavishnuDatabase(PoolShare.Ingest).AddEmbeddings().AddIngest(),
    app => app.MapDefaultEndpoints().MapIngest());
