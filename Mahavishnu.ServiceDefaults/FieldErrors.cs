using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.ServiceDefaults;

/// <summary>What is wrong with a request, field by field, so that a caller learns all of it at once.</summary>
public sealed class FieldErrors
{
    private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);

    /// <summary>True once something is wrong.</summary>
    public bool Any => _errors.Count > 0;

    /// <summary>The error said first.</summary>
    public (string Field, string Message) First => _errors.Select(e => (e.Key, e.Value[0])).First();

    /// <summary>Says one more thing about a field.</summary>
    public void Add(string field, string message) =>
        _errors[field] = _errors.TryGetValue(field, out var said) ? [.. said, message] : [message];

    /// <summary>400 with all that was said.</summary>
    public ProblemHttpResult ToProblem() => Problems.Validation(_errors);
}
