using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.OllamaStandIn;
using Mahavishnu.Search;
using Mahavishnu.Storage;
using Pgvector;

namespace Mahavishnu.Benchmarks;

/// <summary>The statement of a search as the service composes it, over a pool as the service has it, and nothing around it: no HTTP, no gateway, no model.</summary>
internal sealed class BareSearch : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly OllamaServer _model;

    private BareSearch(ServiceProvider services, OllamaServer model) => (_services, _model) = (services, model);

    public static async Task<BareSearch> OpenAsync(string connectionString)
    {
        // Its settings must name a model; nobody asks it anything.
        var model = await OllamaServer.StartNewAsync(SyntheticQuestion.Model);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(ServiceDeployment.Settings(connectionString, model));
        builder.AddMahavishnuDatabase(PoolShare.Search).AddEmbeddings().AddSearch();
        return new BareSearch(builder.Services.BuildServiceProvider(), model);
    }

    /// <summary>A request with its question's vector, ready to be run.</summary>
    public async Task<SearchPlan> PlanAsync(SearchRequest request, int number, CancellationToken ct)
    {
        var (question, errors) = request is ProjectSearchRequest across ? await CheckAsync(across, ct) : SearchValidation.Check(request);
        var space = await _services.GetRequiredService<EmbeddingSpaceStore>().FindActiveAsync(ct);
        var halves = new Half[SyntheticVectors.Dimensions];
        TensorPrimitives.ConvertToHalf(SyntheticQuestion.Vector(number), halves);
        return question is null
            ? throw new InvalidOperationException($"The request is refused: {string.Join(", ", errors.Keys)}.")
            : await _services.GetRequiredService<Searcher>().PlanAsync(question, space, new HalfVector(halves), ct);
    }

    /// <summary>What is around the project is read here and not in what is measured: bare is the search alone.</summary>
    private async Task<(Question? Question, IReadOnlyDictionary<string, string[]> Errors)> CheckAsync(ProjectSearchRequest request, CancellationToken ct)
    {
        var (asked, errors) = SearchValidation.CheckAcross(request);
        return (asked is null ? null : await _services.GetRequiredService<ProjectSearcher>().ScopeAsync(asked, ct), errors);
    }

    public Task<SearchRows> RunAsync(SearchPlan plan, CancellationToken ct) => _services.GetRequiredService<SearchStore>().SearchAsync(plan, ct);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _model.DisposeAsync();
    }
}
