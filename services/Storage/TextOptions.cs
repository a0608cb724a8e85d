using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Storage;

/// <summary>The text configurations that every PostgreSQL brings: how words of a language are told apart and reduced to their stems. Their names there are these in lower case.</summary>
public enum TextLanguage
{
    Simple,
    Arabic,
    Armenian,
    Basque,
    Catalan,
    Danish,
    Dutch,
    English,
    Finnish,
    French,
    German,
    Greek,
    Hindi,
    Hungarian,
    Indonesian,
    Irish,
    Italian,
    Lithuanian,
    Nepali,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Serbian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
    Yiddish,
}

/// <summary>What language texts are in (section <c>Text</c>). A memory keeps the one it was written in.</summary>
public sealed class TextOptions : IValidatableObject
{
    public const string Section = "Text";

    /// <summary>The language of memories whose project has no other.</summary>
    [EnumDataType(typeof(TextLanguage))] public TextLanguage Language { get; set; } = TextLanguage.English;

    /// <summary>Projects whose memories are in another language, each as PROJECT=LANGUAGE (the languages are those of <c>Text:Language</c>).</summary>
    public IList<string> Projects { get; init; } = [];

    /// <summary>Every entry of <see cref="Projects"/> says a project and a language that there is.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        from entry in Projects
        where TextLanguages.Parse(entry) is null
        select new ValidationResult(
            $"{Section}:{nameof(Projects)} has '{entry}', which is not PROJECT=LANGUAGE with one of {string.Join(", ", TextLanguages.All)}.", [nameof(Projects)]);
}

[OptionsValidator]
internal sealed partial class TextOptionsValidator : IValidateOptions<TextOptions>;
