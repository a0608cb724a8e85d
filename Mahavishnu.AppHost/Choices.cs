using Microsoft.Extensions.Configuration;

namespace Mahavishnu.AppHost;

/// <summary>Where the memories are kept.</summary>
internal enum DatabaseChoice
{
    /// <summary>A container with pgvector; on Azure a managed server.</summary>
    Container,

    /// <summary>The connection string <c>ConnectionStrings:mahavishnu</c>.</summary>
    Given,

    /// <summary>The private server of <c>infra/postgres</c>, which needs no container engine.</summary>
    Local,
}

/// <summary>Who computes vectors.</summary>
internal enum ModelChoice
{
    /// <summary>Ollama in a container.</summary>
    Ollama,

    /// <summary>The connection string <c>ConnectionStrings:embed</c>.</summary>
    Given,

    /// <summary>The model that every service carries.</summary>
    Builtin,
}

/// <summary>Where a published system runs.</summary>
internal enum PublishTarget
{
    Compose,
    Azure,
}

/// <summary>The ways to run that the command line, the environment or the settings choose among.</summary>
/// <param name="Replicas">Processes of ingest and of search; the one number that their shares of the connection pool are divided by.</param>
internal sealed record Choices(DatabaseChoice Database, ModelChoice Model, OllamaGpuVendor? Gpu, int Replicas, PublishTarget? Target)
{
    private const string DatabaseKey = "Database";
    private const string ModelKey = "Embedding:Provider";
    private const string GpuKey = "Ollama:Gpu";
    private const string ReplicasKey = "Services:Replicas";
    private const string TargetKey = "Publish:Target";
    private const int MostReplicas = 20;

    public bool IsPublished => Target is not null;

    /// <summary>Reads and checks them; a mistake ends the start with a sentence that names the key.</summary>
    /// <exception cref="DistributedApplicationException">A value is unknown, or two contradict each other.</exception>
    public static Choices Read(IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var target = builder.ExecutionContext.IsPublishMode ? ReadTarget(configuration) : (PublishTarget?)null;
        var database = ReadDatabase(configuration, published: target is not null);
        return new Choices(database, ReadModel(configuration, database), One<OllamaGpuVendor>(configuration, GpuKey), ReadReplicas(configuration), target);
    }

    private static PublishTarget ReadTarget(IConfiguration configuration) =>
        // azd asks for the manifest and has no way to pass an argument on; Azure is what it deploys to.
        One<PublishTarget>(configuration, TargetKey)
        ?? (configuration["Publishing:Publisher"] == "manifest" ? PublishTarget.Azure : PublishTarget.Compose);

    private static DatabaseChoice ReadDatabase(IConfiguration configuration, bool published)
    {
        var given = !string.IsNullOrWhiteSpace(configuration.GetConnectionString(Contracts.Resources.Database));
        var choice = One<DatabaseChoice>(configuration, DatabaseKey);
        return choice switch
        {
            null => given ? DatabaseChoice.Given : DatabaseChoice.Container,
            DatabaseChoice.Local when published => throw new DistributedApplicationException(
                $"{DatabaseKey} is 'local', which is this machine's private server; a published system needs 'container' or 'given'."),
            DatabaseChoice.Given => DatabaseChoice.Given,
            _ when given => throw new DistributedApplicationException(
                $"{DatabaseKey} is '{configuration[DatabaseKey]}', and ConnectionStrings:{Contracts.Resources.Database} is given. Remove one of them."),
            _ => choice.Value,
        };
    }

    private static ModelChoice ReadModel(IConfiguration configuration, DatabaseChoice database)
    {
        var given = !string.IsNullOrWhiteSpace(configuration.GetConnectionString(Contracts.Resources.EmbeddingModel));
        return One<ModelChoice>(configuration, ModelKey) switch
        {
            null when given => ModelChoice.Given,
            // Who asks for no container engine asks for none at all.
            null => database == DatabaseChoice.Local ? ModelChoice.Builtin : ModelChoice.Ollama,
            ModelChoice.Builtin when given => throw new DistributedApplicationException(
                $"{ModelKey} is 'builtin', and ConnectionStrings:{Contracts.Resources.EmbeddingModel} is given. Remove one of them."),
            ModelChoice.Ollama when given => ModelChoice.Given,
            { } choice => choice,
        };
    }

    private static int ReadReplicas(IConfiguration configuration) => configuration[ReplicasKey] switch
    {
        null or "" => 2,
        var text when int.TryParse(text, out var number) && number is >= 1 and <= MostReplicas => number,
        var text => throw new DistributedApplicationException($"{ReplicasKey}: '{text}' is not a whole number from 1 to {MostReplicas}."),
    };

    private static T? One<T>(IConfiguration configuration, string key) where T : struct, Enum => configuration[key] switch
    {
        null or "" => null,
        var text when Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value) && !char.IsDigit(text[0]) => value,
        var text => throw new DistributedApplicationException(
            $"{key}: '{text}' is not one of {string.Join(", ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}."),
    };
}
