using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Embeddings;

/// <summary>Every model this process can reach, by the description that a space carries: opened once, shared by all who ask.</summary>
public sealed partial class EmbeddingModels : IDisposable
{
    // A server that hangs makes whoever asks wait so long, and no longer.
    private static readonly TimeSpan OpenTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ChoiceTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StatusTime = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, IEmbeddingProvider> _providers;
    private readonly IConfiguration _configuration;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<EmbeddingModel, Lazy<Task<EmbeddingClient>>> _open = [];
    private readonly ConcurrentDictionary<EmbeddingModel, Asked> _asked = [];
    private string? _chosen;

    /// <summary>Registered by <see cref="EmbeddingsModule.AddEmbeddings"/>.</summary>
    public EmbeddingModels(IEnumerable<IEmbeddingProvider> providers, IConfiguration configuration, TimeProvider time, ILogger<EmbeddingModels> logger)
    {
        _providers = providers.ToDictionary(p => p.Name, StringComparer.Ordinal);
        (_configuration, _time, _logger) = (configuration, time, logger);
    }

    /// <summary>The model of a space, ready for use. The client belongs to this class.</summary>
    /// <remarks>All who ask for one model wait for one attempt; a model that hangs keeps nobody from another.</remarks>
    /// <exception cref="EmbeddingModelException">It cannot be used now.</exception>
    public async Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct)
    {
        var opening = _open.GetOrAdd(model, m => new Lazy<Task<EmbeddingClient>>(() => OpenOnceAsync(m)));
        try
        {
            var client = await opening.Value.WaitAsync(ct);
            Say(model, null);
            return client;
        }
        catch (Exception e) when (opening.Value.IsFaulted)
        {
            // The next one tries again; whoever has done so meanwhile is left alone.
            _open.TryRemove(KeyValuePair.Create(model, opening));
            if (e is EmbeddingModelException fault)
            {
                Say(model, fault);
            }

            throw;
        }
    }

    /// <summary>What a model is now, for a new space.</summary>
    /// <param name="provider">Null: the built-in one for its own model, else Ollama.</param>
    /// <exception cref="EmbeddingModelException">It cannot be used now.</exception>
    public Task<EmbeddingModel> DescribeAsync(string model, string? provider, string? profile, string distance, CancellationToken ct) =>
        Provider(provider ?? (model is EmbeddingProviders.Builtin or HashModel.Name ? EmbeddingProviders.Builtin : EmbeddingProviders.Ollama)).DescribeAsync(model, profile, distance, ct);

    /// <summary>The model that the settings choose for a store without a space: with <c>auto</c>, Ollama's where it answers soon and has it, else the built-in one.</summary>
    /// <exception cref="EmbeddingModelException">It cannot be used now: then there is no space yet.</exception>
    public async Task<EmbeddingModel> ChooseAsync(CancellationToken ct)
    {
        var settings = EmbeddingSettings.Read(_configuration);
        var ollama = settings.Provider;
        string? why = null;
        if (settings.Provider == EmbeddingProviders.Auto)
        {
            var status = await AskAsync(EmbeddingProviders.Ollama, settings.Model, null, ChoiceTime, ct);
            (ollama, why) = status.State == EmbeddingProviderStates.Ready ? (EmbeddingProviders.Ollama, null) : (EmbeddingProviders.Builtin, status.Message);
        }

        var model = ollama == EmbeddingProviders.Ollama
            ? await Provider(EmbeddingProviders.Ollama).DescribeAsync(settings.Model, settings.Profile, settings.Distance, ct)
            : await Provider(EmbeddingProviders.Builtin).DescribeAsync(EmbeddingProviders.Builtin, null, settings.Distance, ct);
        if (Interlocked.Exchange(ref _chosen, model.Model) != model.Model)
        {
            Chosen(_logger, model.Provider, model.Model, model.Dimensions, why is null ? "" : $" {why} `mahavishnu embeddings add {settings.Model}` changes over when it does.");
        }

        return model;
    }

    /// <summary>How a space's provider does at this moment; within two seconds.</summary>
    /// <param name="space">Null: there is none yet, so the one that the settings choose.</param>
    public async Task<EmbeddingProviderStatus> StatusAsync(EmbeddingModel? space, CancellationToken ct)
    {
        if (space is not null)
        {
            var status = await AskAsync(space.Provider, space.Model, space.Digest, StatusTime, ct);
            // Nothing falls back by itself; this is how somebody decides to change over.
            return WithWayOut(status, Other(space));
        }

        var settings = EmbeddingSettings.Read(_configuration);
        if (settings.Provider == EmbeddingProviders.Builtin)
        {
            return await AskAsync(EmbeddingProviders.Builtin, HashModel.Name, null, StatusTime, ct);
        }

        var chosen = await AskAsync(EmbeddingProviders.Ollama, settings.Model, null, StatusTime, ct);
        return chosen.State == EmbeddingProviderStates.Ready || settings.Provider == EmbeddingProviders.Ollama
            ? WithWayOut(chosen, EmbeddingProviders.Builtin)
            : await AskAsync(EmbeddingProviders.Builtin, HashModel.Name, null, StatusTime, ct) with { Message = $"{chosen.Message} The built-in model is used." };
    }

    /// <summary>The models asked for lately, or the last one; none before the first.</summary>
    internal IReadOnlyList<EmbeddingModel> InUse(TimeSpan lately)
    {
        var asked = _asked.OrderByDescending(a => a.Value.At).ToList();
        return [.. asked.TakeWhile((a, i) => i == 0 || _time.GetElapsedTime(a.Value.At) <= lately).Select(a => a.Key)];
    }

    /// <summary>Closes every client.</summary>
    public void Dispose()
    {
        foreach (var opening in _open.Values.Where(o => o.IsValueCreated && o.Value.IsCompletedSuccessfully))
        {
            opening.Value.Result.Dispose();
        }
    }

    private static EmbeddingProviderStatus WithWayOut(EmbeddingProviderStatus status, string other) =>
        status.State == EmbeddingProviderStates.Away ? status with { Hint = $"mahavishnu embeddings add {other}" } : status;

    private static string Other(EmbeddingModel space) => space.Provider == EmbeddingProviders.Builtin ? "nomic-embed-text" : EmbeddingProviders.Builtin;

    private async Task<EmbeddingClient> OpenOnceAsync(EmbeddingModel model)
    {
        using var limit = new CancellationTokenSource(OpenTime, _time);
        try
        {
            return await Provider(model.Provider).OpenAsync(model, limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelAway, $"{model.Model} of {model.Provider} could not be opened within {OpenTime.TotalSeconds} s.", inner: e);
        }
    }

    private async Task<EmbeddingProviderStatus> AskAsync(string provider, string model, string? digest, TimeSpan within, CancellationToken ct)
    {
        if (!_providers.TryGetValue(provider, out var asked))
        {
            return new EmbeddingProviderStatus(provider, model, EmbeddingProviderStates.Away, NoProvider(provider), null);
        }

        using var limit = new CancellationTokenSource(within, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            return await asked.StatusAsync(model, digest, either.Token).WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new EmbeddingProviderStatus(provider, model, EmbeddingProviderStates.Away, $"{EmbeddingSettings.Read(_configuration).Server} does not answer within {within.TotalSeconds} s.", null);
        }
    }

    private IEmbeddingProvider Provider(string name) =>
        _providers.TryGetValue(name, out var provider) ? provider : throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, NoProvider(name));

    private string NoProvider(string name) => $"There is no embedding provider {name} here; there are {string.Join(", ", _providers.Keys.Order(StringComparer.Ordinal))}.";

    /// <summary>Says what has become of a model, where that is news.</summary>
    private void Say(EmbeddingModel model, EmbeddingModelException? fault)
    {
        var now = new Asked(_time.GetTimestamp(), fault?.Reason);
        Asked? before = null;
        _asked.AddOrUpdate(model, now, (_, old) =>
        {
            before = old;
            return now;
        });
        if (before is not null && before.Fault == fault?.Reason)
        {
            return;
        }

        if (fault is null)
        {
            Opened(_logger, model.Provider, model.Model, model.Dimensions, model.PrefixProfile);
        }
        else
        {
            Unusable(_logger, model.Model, fault.Message, fault.Hint ?? $"mahavishnu embeddings add {Other(model)}");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A new store gets the embedding model {Provider} {Model} of {Dimensions} dimensions.{Why}")]
    private static partial void Chosen(ILogger logger, string provider, string model, int dimensions, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Embedding with {Provider} {Model}: {Dimensions} dimensions, prefix profile {Profile}")]
    private static partial void Opened(ILogger logger, string provider, string model, int dimensions, string profile);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} cannot be used: {Reason} To change it: {Hint}")]
    private static partial void Unusable(ILogger logger, string model, string reason, string hint);

    private sealed record Asked(long At, string? Fault);
}
