using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Search;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

return await ServiceHost.RunAsync(
    args, Resources.Search,
    builder => builder.AddMahavishnuDatabase(PoolShare.Search).AddEmbeddings().AddSearch(),
    app => app.MapDefaultEndpoints().MapSearch());
