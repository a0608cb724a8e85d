using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Search.Tests;

/// <summary>A search over spaces of models whose vectors the test knows; the first model's space is the active one.</summary>
internal sealed class SpaceWorld : IAsyncDisposable
{
    private SpaceWorld(SearchWorld search) => Search = search;

    public SearchWorld Search { get; }

    private EmbeddingSpaceStore Spaces => new(Search.Database.DataSource);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<SpaceWorld> StartAsync(
        PostgresFixture postgres, KnownModels models, KnownModel first, Action<WebApplicationBuilder>? add = null, Func<TestDatabase, Task>? prepare = null,
        params (string Key, string? Value)[] settings) =>
        new(await SearchWorld.StartAsync(
            postgres,
            builder =>
            {
                builder.Services.AddSingleton<IEmbeddingProvider>(models);
                add?.Invoke(builder);
            },
            async database =>
            {
                await new EmbeddingSpaceStore(database.DataSource).EnsureActiveAsync(first.Info, Ct);
                await (prepare?.Invoke(database) ?? Task.CompletedTask);
            },
            settings));

    /// <summary>A second space beside the active one; what is remembered from here on comes into both.</summary>
    public async Task<EmbeddingSpace> AddAsync(KnownModel model) => (await Spaces.AddAsync(model.Info, Ct)).Space;

    public async Task ActivateAsync(EmbeddingSpace space) => Assert.NotNull(await Spaces.ActivateAsync(space.Id, Ct));

    /// <summary>Stores the texts and embeds them for every space.</summary>
    public async Task<Guid[]> RememberAsync(params string[] texts)
    {
        var drafts = texts.Select(SearchWorld.Draft).ToList();
        await Search.StoreAsync(drafts);
        await EmbedAsync();
        return [.. drafts.Select(d => d.Id)];
    }

    public async Task EmbedAsync()
    {
        var models = Search.Host.Get<EmbeddingModels>();
        foreach (var space in await Spaces.ListAsync(Ct))
        {
            await Search.EmbedAsync(space, await models.OpenAsync(space.Identity, Ct));
        }
    }

    public Task<SearchResponse> VectorAsync(string query) => Search.SearchAsync(new SearchRequest { Query = query, Mode = SearchModes.Vector });

    public ValueTask DisposeAsync() => Search.DisposeAsync();
}
