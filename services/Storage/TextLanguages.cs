using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Storage;

/// <summary>Which language a project's texts are in, and which ones a search has to reckon with. Names are PostgreSQL's, safe to write into SQL.</summary>
public sealed class TextLanguages
{
    private const string English = "english";

    private readonly FrozenDictionary<string, string> _projects;
    private readonly string[] _all;

    public TextLanguages(IOptions<TextOptions> options)
    {
        Default = NameOf(options.Value.Language);
        // Said twice, the later wins, as everywhere in the settings.
        _projects = options.Value.Projects.Select(Parse).OfType<(string Project, string Language)>()
            .GroupBy(p => p.Project, p => p.Language, StringComparer.Ordinal).ToFrozenDictionary(p => p.Key, p => p.Last(), StringComparer.Ordinal);
        _all = [.. _projects.Values.Append(Default).Append(English).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>English and nothing else.</summary>
    public static TextLanguages Standard { get; } = new(Options.Create(new TextOptions()));

    /// <summary>Every name there is.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<TextLanguage>().Select(NameOf)];

    /// <summary>The language of whatever is in no project that has another.</summary>
    public string Default { get; }

    /// <summary>The projects with a language of their own.</summary>
    public IReadOnlyDictionary<string, string> Projects => _projects;

    /// <summary>What the memories of a project (null: of all) may be written in. English is always among them: it was the language before another one was set.</summary>
    public IReadOnlyList<string> InUse(string? projectId) => projectId is null
        ? _all
        : [.. new[] { _projects.GetValueOrDefault(projectId, Default), Default, English }.Distinct(StringComparer.Ordinal)];

    /// <returns>Null: not PROJECT=LANGUAGE.</returns>
    internal static (string Project, string Language)? Parse(string entry)
    {
        var end = entry.LastIndexOf('=');
        return end > 0 && All.FirstOrDefault(l => string.Equals(l, entry[(end + 1)..].Trim(), StringComparison.OrdinalIgnoreCase)) is { } language
            && entry[..end].Trim() is { Length: > 0 } project ? (project, language) : null;
    }

    private static string NameOf(TextLanguage language) => language.ToString().ToLowerInvariant();
}
