using Mahavishnu.Contracts;

namespace Mahavishnu.Search;

/// <summary>The same for what evaluations are asked: their questions and scopes are those of a search.</summary>
internal sealed partial class SearchValidation
{
    private const int DefaultK = 10;
    private const int MaxK = 100;

    /// <returns>The question and the memory it should find, or null and the errors by field.</returns>
    public static (Question? Question, Guid MemoryId, IReadOnlyDictionary<string, string[]> Errors) Check(NewPinnedQuery pin)
    {
        var check = new SearchValidation();
        var memory = check.MemoryId(pin.MemoryId);
        if (pin.Query is null)
        {
            check.Error("query", "A question is required.");
        }

        // What is missing has been said; the rest is looked at as a search's is.
        var question = check.Read(new SearchRequest { Query = pin.Query ?? "none", Types = pin.Types, Sources = pin.Sources, ProjectId = pin.ProjectId, RepoId = pin.RepoId });
        return (check._errors.Count == 0 ? question : null, memory, check._errors);
    }

    /// <returns>Mode and k, or the errors by field.</returns>
    public static (SearchMode Mode, int K, IReadOnlyDictionary<string, string[]> Errors) Check(RunEvaluationRequest request)
    {
        var check = new SearchValidation();
        if (request.K is < 1 or > MaxK)
        {
            check.Error("k", $"The value must be between 1 and {MaxK}.");
        }

        return (check.Choice(request.Mode, "mode", SearchMode.Hybrid), request.K ?? DefaultK, check._errors);
    }

    private Guid MemoryId(string? given)
    {
        if (given is null)
        {
            Error("memoryId", "The id of the memory that the question should find is required.");
        }
        else if (!Guid.TryParse(given, out var id))
        {
            Error("memoryId", "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000.");
        }
        else
        {
            return id;
        }

        return Guid.Empty;
    }
}
