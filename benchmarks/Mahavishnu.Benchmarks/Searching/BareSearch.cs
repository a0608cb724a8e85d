using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.OllamaStandIn;
using Mahavishnu.Search;
using Mahavishnu.Storage;
using Pgvector;

namespace Mahavishnu.Benchmarks;

/// <summary>A request with its question's vector, ready to be run.</summary>
/// <param name="Across">What it asks of the projects around its own; null: nothing.</param>
internal sealed record BareRequest(SearchPlan Plan, ProjectQuestion? Across = null);

/// <summary>What a search asks the database, as the service composes it, over a pool as the service has it, and nothing around it: no HTTP, no gateway, no model.</summary>
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

    /// <summary>Prepares a request with the vector of the question of this number.</summary>
    public async Task<BareRequest> PrepareAsync(SearchRequest request, int number, CancellationToken ct)
    {
        if (request is not ProjectSearchRequest across)
        {
            var (question, errors) = SearchValidation.Check(request);
            return new BareRequest(await PlanAsync(question ?? throw Refused(errors), number, ct));
        }

        var (asked, refused) = SearchValidation.CheckAcross(across);
        return new BareRequest(await PlanAsync(await ScopeAsync(asked ?? throw Refused(refused), ct), number, ct), asked);
    }

    /// <summary>Runs it: one round trip, and before it the one that reads what is around a project, as every search across projects has it.</summary>
    public async Task<SearchRows> RunAsync(BareRequest request, CancellationToken ct) => await _services.GetRequiredService<SearchStore>().SearchAsync(
        request.Across is { } across ? request.Plan with { Question = await ScopeAsync(across, ct) } : request.Plan, ct);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _model.DisposeAsync();
    }

    private Task<Question> ScopeAsync(ProjectQuestion asked, CancellationToken ct) => _services.GetRequiredService<ProjectSearcher>().ScopeAsync(asked, ct);

    private async Task<SearchPlan> PlanAsync(Question question, int number, CancellationToken ct)
    {
        var space = await _services.GetRequiredService<EmbeddingSpaceStore>().FindActiveAsync(ct);
        var halves = new Half[SyntheticVectors.Dimensions];
        TensorPrimitives.ConvertToHalf(SyntheticQuestion.Vector(number), halves);
        return await _services.GetRequiredService<Searcher>().PlanAsync(question, space, new HalfVector(halves), ct);
    }

    private static InvalidOperationException Refused(IReadOnlyDictionary<string, string[]> errors) => new($"The request is refused: {string.Join(", ", errors.Keys)}.");
}
