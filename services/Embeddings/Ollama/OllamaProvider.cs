using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OllamaSharp;
using Polly;

namespace Mahavishnu.Embeddings;

/// <summary>The models of an Ollama server. What they are is asked of the server, never configured.</summary>
internal sealed class OllamaProvider : IEmbeddingProvider, IDisposable
{
    // A model's own two marks around every text.
    private const int SpecialTokens = 2;

    // Tokens of a vocabulary that is not known are counted by rule of thumb: with half of the context nothing is cut off.
    private const int UnknownTokenShare = 2;

    private readonly EmbeddingSettings _settings;
    private readonly OllamaOptions _options;
    private readonly OllamaPipelines _pipelines;
    private readonly HttpClient _http;
    private readonly OllamaApi _api;
    private readonly ModelPulls _pulls;
    private readonly ConcurrentDictionary<string, (TokenMeter Tokens, int Context)> _meters = new(StringComparer.Ordinal);

    public OllamaProvider(IConfiguration configuration, IOptions<OllamaOptions> options, EmbeddingTelemetry telemetry, TimeProvider time, ILogger<OllamaProvider> logger)
    {
        _settings = EmbeddingSettings.Read(configuration);
        _options = options.Value;
        _pipelines = new OllamaPipelines(_options, telemetry, time);
        // Own time limits are in the pipelines; a name that moves to another address is found again.
        _http = new HttpClient(new OllamaAnswers(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), PooledConnectionLifetime = TimeSpan.FromMinutes(2), AllowAutoRedirect = false }))
        {
            BaseAddress = _settings.Url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _api = new OllamaApi(_http, _settings);
        _pulls = new ModelPulls(_api, _settings, time, logger);
    }

    public string Name => EmbeddingProviders.Ollama;

    public async Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct)
    {
        // The setting is about the model of the settings; another one has its own.
        profile ??= OllamaName.Same(model, _settings.Model) ? _settings.Profile : null;
        var prefixes = profile is null ? PrefixProfile.Of(model) : Profile(profile);
        var found = await RequireAsync(model, ct);
        var card = await _api.ShowAsync(found.Name, whole: false, _pipelines.Asking, ct);
        // A file made without the note on pooling is shown as one that talks; a name that says what it is for is believed.
        if (card.Embeds is false && !OllamaName.Family(found.Name).Contains("embed", StringComparison.Ordinal))
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"{found.Name} is not an embedding model.", "ollama pull nomic-embed-text");
        }

        var length = await _api.ProbeAsync(found.Name, _pipelines.Questions, ct);
        return card.Dimensions is { } shown && shown != length
            ? throw new EmbeddingModelException(EmbeddingReasons.WrongDimensions, $"{found.Name} says it has {shown} dimensions and gives vectors of {length}.")
            : new EmbeddingModel(Name, found.Name, found.Digest, length, distance, prefixes.Name);
    }

    public async Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct)
    {
        var prefixes = Profile(model.PrefixProfile);
        await VerifyAsync(model, ct);
        if (!_meters.TryGetValue(model.Digest, out var known))
        {
            known = await MeterAsync(model, ct);
            _meters[model.Digest] = known;
        }

        var prefix = Math.Max(known.Tokens.Count(prefixes.Document), known.Tokens.Count(prefixes.Question));
        Task Verify(CancellationToken token) => VerifyAsync(model, token);
        return new EmbeddingClient
        {
            Model = model,
            Documents = new SlicingGenerator(Chain(model, prefixes.Document, _pipelines.Documents), _options.CharactersPerCall),
            Questions = new VerifyingGenerator(Chain(model, prefixes.Question, _pipelines.Questions), Verify),
            Tokens = known.Tokens,
            MaxInputTokens = Math.Max(1, Math.Min(known.Context, _settings.MaxInputTokens) - prefix - SpecialTokens),
            WorthCaching = true,
            Concurrency = _options.Concurrency,
            Verify = Verify,
        };
    }

    public async Task<EmbeddingProviderStatus> StatusAsync(string model, string? digest, CancellationToken ct)
    {
        if (_pulls.Progress is { } pull && OllamaName.Same(pull.Model, model))
        {
            return Status(EmbeddingProviderStates.Pulling, $"{_settings.Server} is pulling {ModelPulls.Describe(pull)}.", null) with { PulledBytes = pull.Done, PullBytes = pull.Total };
        }

        try
        {
            // As it is at this moment: neither repeated nor kept back by what other calls have met.
            return await _api.FindAsync(model, ResiliencePipeline.Empty, ct) switch
            {
                null => Status(EmbeddingProviderStates.Missing, $"{_settings.Server} does not have the model {model}.", $"ollama pull {model}"),
                { Digest: var now } when digest is not null && now != digest => Status(EmbeddingProviderStates.Changed, Changed(model, digest, now), $"mahavishnu embeddings add {model}"),
                _ => Status(EmbeddingProviderStates.Ready, null, null),
            };
        }
        catch (EmbeddingModelException e)
        {
            return Status(EmbeddingProviderStates.Away, e.Message, e.Hint);
        }

        EmbeddingProviderStatus Status(string state, string? message, string? hint) => new(Name, model, state, message, hint);
    }

    public void Dispose()
    {
        _pulls.Dispose();
        _http.Dispose();
    }

    /// <summary>What stands between a caller and the client, outermost first.</summary>
    private IEmbeddingGenerator<string, Embedding<float>> Chain(EmbeddingModel model, string prefix, ResiliencePipeline pipeline) =>
        new EmbeddingGeneratorBuilder<string, Embedding<float>>(new OllamaApiClient(_http, model.Model))
            .UseOpenTelemetry(sourceName: EmbeddingTelemetry.Name)
            .Use(inner => new CheckingGenerator(inner, model))
            .Use(inner => new PrefixGenerator(inner, prefix))
            .Use(inner => new ResilientGenerator(inner, pipeline, e => Translate(e, model.Model)))
            // A text cut off in silence would be found by its beginning only; a refusal can be acted upon.
            .ConfigureOptions(options => (options.AdditionalProperties ??= [])["truncate"] = false)
            .Build();

    private EmbeddingModelException Translate(Exception e, string model)
    {
        var fault = OllamaErrors.Translate(e, _settings, model);
        return fault.Reason == EmbeddingReasons.ModelMissing ? Missing(model) : fault;
    }

    private async Task<OllamaModel> RequireAsync(string model, CancellationToken ct) => await _api.FindAsync(model, _pipelines.Asking, ct) ?? throw Missing(model);

    private EmbeddingModelException Missing(string model) =>
        _settings.Pull ? _pulls.Start(model) : OllamaErrors.Missing(model, $"{_settings.Server} does not have the model {model}.");

    private static PrefixProfile Profile(string name) => PrefixProfile.Find(name)
        ?? throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"There is no prefix profile {name}; there are {string.Join(", ", PrefixProfile.Names)}.");

    private async Task VerifyAsync(EmbeddingModel model, CancellationToken ct)
    {
        var now = await RequireAsync(model.Model, ct);
        if (now.Digest != model.Digest)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelChanged, Changed(model.Model, model.Digest, now.Digest), $"mahavishnu embeddings add {model.Model}");
        }
    }

    private async Task<(TokenMeter Tokens, int Context)> MeterAsync(EmbeddingModel model, CancellationToken ct)
    {
        var card = await _api.ShowAsync(model.Model, whole: false, _pipelines.Asking, ct);
        var context = card.ContextLength ?? _settings.MaxInputTokens;
        if (card.Tokenizer == "bert" && (await _api.ShowAsync(model.Model, whole: true, _pipelines.Asking, ct)).Vocabulary is { Count: > 0 } vocabulary)
        {
            return (new WordPieceTokens(vocabulary), context);
        }

        return (TokenMeter.Approximate, context / UnknownTokenShare);
    }

    private string Changed(string model, string before, string now) =>
        $"{_settings.Server} now has another {model} ({Start(now)}); the stored vectors are of {Start(before)}.";

    private static string Start(string digest) => digest.Length > 12 ? digest[..12] : digest;
}
