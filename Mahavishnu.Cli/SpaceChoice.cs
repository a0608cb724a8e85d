using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>Spaces as people name them: by id, or by the model where only one space has it.</summary>
internal static class SpaceChoice
{
    public static Argument<string> Argument() => new("ID") { Description = "The space: its id, or its model where no other space has that one" };

    /// <exception cref="CliException">No space is meant by that, or several are.</exception>
    public static EmbeddingSpaceInfo Find(string name, IReadOnlyList<EmbeddingSpaceInfo> spaces)
    {
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && spaces.FirstOrDefault(s => s.Id == id) is { } space)
        {
            return space;
        }

        var named = spaces.Where(s => Same(s.Model, name) || IsBuiltin(s, name)).ToList();
        return named switch
        {
            [var only] => only,
            [] => throw new CliException(spaces.Count == 0
                ? "there is no embedding space yet: the first memory makes one, or `mahavishnu embeddings add MODEL`"
                : $"there is no embedding space {name}; there are {string.Join(", ", spaces.Select(Describe))}"),
            _ => throw new CliException($"{name} may be any of the spaces {string.Join(", ", named.Select(Describe))}; give the id"),
        };
    }

    public static string Describe(EmbeddingSpaceInfo space) => string.Create(CultureInfo.InvariantCulture, $"{space.Id} ({space.Model}, {space.Dimensions} dimensions, {space.State})");

    // As it was added by.
    private static bool IsBuiltin(EmbeddingSpaceInfo space, string name) => name == EmbeddingProviders.Builtin && space.Provider == EmbeddingProviders.Builtin;

    // all-minilm is all-minilm:latest
    private static bool Same(string model, string name) => string.Equals(WithTag(model), WithTag(name), StringComparison.OrdinalIgnoreCase);

    private static string WithTag(string model) => model.LastIndexOf(':') > model.LastIndexOf('/') ? model : model + ":latest";
}
