using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>What memories of other projects weigh in a search across projects (section <c>Search:Across</c>). A project's own weigh 1.</summary>
internal sealed class AcrossOptions : IValidatableObject
{
    public const string Section = "Search:Across";

    private static readonly Dictionary<string, double> Usual = new(StringComparer.Ordinal)
    {
        [DependencyKinds.Extends] = 0.95,
        [DependencyKinds.Uses] = 0.9,
        [DependencyKinds.SharesCode] = 0.9,
        [DependencyKinds.References] = 0.8,
        [AnyOther] = 0.8,
    };

    private const string AnyOther = "*";

    /// <summary>Kinds of dependency and what each weighs, as KIND=WEIGHT, above 0 to 1; * stands for any other kind. Unless said here: extends 0.95, uses and shares_code 0.9, references and any other 0.8.</summary>
    public IList<string> DependencyWeights { get; init; } = [];

    /// <summary>What is left of the weight with every dependency after the first.</summary>
    [Range(0.01, 1.0)] public double HopShare { get; set; } = 0.9;

    /// <summary>What memories of projects in the same group weigh.</summary>
    [Range(0.01, 1.0)] public double GroupWeight { get; set; } = 0.85;

    /// <summary>What an insight weighs that was shared with the project or one of its groups.</summary>
    [Range(0.01, 1.0)] public double SharedWeight { get; set; } = 0.95;

    public ScopeWeights Weights()
    {
        var kinds = new Dictionary<string, double>(Usual, StringComparer.Ordinal);
        foreach (var (kind, weight) in DependencyWeights.Select(Parse).OfType<(string, double)>())
        {
            kinds[kind] = weight;
        }

        return new ScopeWeights(kinds, kinds[AnyOther], HopShare, GroupWeight, SharedWeight);
    }

    /// <summary>Every entry of <see cref="DependencyWeights"/> says a kind and what it weighs.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        from entry in DependencyWeights
        where Parse(entry) is null
        select new ValidationResult($"{Section}:{nameof(DependencyWeights)} has '{entry}', which is not KIND=WEIGHT with a weight above 0 to 1.", [nameof(DependencyWeights)]);

    /// <returns>Null: not KIND=WEIGHT.</returns>
    private static (string Kind, double Weight)? Parse(string entry)
    {
        var end = entry.LastIndexOf('=');
        return end > 0 && entry[..end].Trim() is { Length: > 0 } kind
            && double.TryParse(entry[(end + 1)..].Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight) && weight is > 0 and <= 1
                ? (kind, weight)
                : null;
    }
}

[OptionsValidator]
internal sealed partial class AcrossOptionsValidator : IValidateOptions<AcrossOptions>;
