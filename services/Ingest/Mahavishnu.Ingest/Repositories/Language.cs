using System.Collections.Frozen;

namespace Mahavishnu.Ingest;

/// <summary>How a text shows its structure, line by line.</summary>
internal enum Structure
{
    /// <summary>Paragraphs between blank lines.</summary>
    Prose,

    /// <summary>Headings with # or underlined, code between fences.</summary>
    Markdown,

    /// <summary>Headings underlined with any punctuation.</summary>
    ReStructured,

    /// <summary>Declarations by keyword or by shape, bodies in braces.</summary>
    Braces,

    /// <summary>Declarations by keyword alone.</summary>
    Keywords,

    /// <summary>Statements that begin with a verb at the margin.</summary>
    Sql,

    /// <summary>Keys at the margin.</summary>
    Yaml,

    /// <summary>[sections] at the margin.</summary>
    Sections,

    /// <summary>Rules that open a brace at the margin.</summary>
    Styles,

    /// <summary>Tags, of which some begin a block.</summary>
    Markup,

    /// <summary>Values within values: the less indented, the better a place to cut.</summary>
    Data,
}

/// <summary>What a file is written in, by its name alone. These names are also the default set of files that are ingested.</summary>
internal sealed record Language(string Name, Structure Structure)
{
    private static readonly FrozenDictionary<string, Language>.AlternateLookup<ReadOnlySpan<char>> ByExtension = Table("""
        csharp:Braces:cs csx|fsharp:Keywords:fs fsi fsx|visual-basic:Keywords:vb|java:Braces:java|kotlin:Braces:kt kts|scala:Braces:scala sc|groovy:Braces:groovy gradle
        javascript:Braces:js mjs cjs jsx|typescript:Braces:ts mts cts tsx|vue:Markup:vue|svelte:Markup:svelte|c:Braces:c h|cpp:Braces:cc cpp cxx hpp hh hxx inl ipp|objective-c:Braces:m mm
        go:Braces:go|rust:Braces:rs|swift:Braces:swift|dart:Braces:dart|zig:Braces:zig|d:Braces:d|php:Braces:php|python:Keywords:py pyi pyx|ruby:Keywords:rb rake gemspec|perl:Keywords:pl pm
        lua:Keywords:lua|elixir:Keywords:ex exs|erlang:Prose:erl hrl|haskell:Prose:hs|ocaml:Keywords:ml mli|clojure:Prose:clj cljs cljc edn|lisp:Prose:lisp el scm rkt|julia:Keywords:jl
        r:Keywords:r|matlab:Keywords:mat|fortran:Keywords:f90 f95 f03|pascal:Keywords:pas|ada:Keywords:adb ads|nim:Keywords:nim|tcl:Keywords:tcl|shell:Braces:sh bash zsh fish ksh
        powershell:Braces:ps1 psm1 psd1|batch:Prose:bat cmd|sql:Sql:sql ddl|graphql:Braces:graphql gql|protobuf:Braces:proto|thrift:Braces:thrift|terraform:Braces:tf tfvars hcl|bicep:Braces:bicep
        cmake:Keywords:cmake|make:Prose:mk mak|nix:Braces:nix|solidity:Braces:sol|glsl:Braces:glsl vert frag hlsl wgsl|cuda:Braces:cu cuh|assembly:Prose:s asm|starlark:Keywords:bzl star
        markdown:Markdown:md markdown mdx qmd|restructuredtext:ReStructured:rst rest|asciidoc:Prose:adoc asciidoc|org:Prose:org|tex:Prose:tex sty cls bib|text:Prose:txt text
        yaml:Yaml:yaml yml|toml:Sections:toml|ini:Sections:ini cfg conf properties editorconfig|json:Data:json jsonc json5 webmanifest|jsonl:Data:jsonl ndjson
        html:Markup:html htm xhtml|razor:Markup:cshtml razor|template:Markup:j2 jinja jinja2 hbs mustache ejs liquid erb|xml:Markup:xml xsd xsl xslt xaml|css:Styles:css scss sass less
        msbuild:Markup:csproj fsproj vbproj props targets slnx nuspec|http:Prose:http
        """);

    private static readonly FrozenDictionary<string, Language>.AlternateLookup<ReadOnlySpan<char>> ByName = Table("""
        make:Prose:makefile gnumakefile|dockerfile:Prose:dockerfile containerfile|cmake:Keywords:cmakelists.txt|ruby:Keywords:rakefile gemfile podfile vagrantfile|groovy:Braces:jenkinsfile
        starlark:Keywords:build.bazel workspace.bazel|go-module:Prose:go.mod|text:Prose:readme license copying notice authors contributors changelog changes news todo install
        ini:Sections:.editorconfig|just:Prose:justfile|procfile:Prose:procfile
        """);

    /// <summary>The language of the file, or null when its name says nothing.</summary>
    public static Language? Of(ReadOnlySpan<char> path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        Span<char> lower = stackalloc char[32];
        if (name.Length <= lower.Length && ByName.TryGetValue(lower[..Math.Max(0, name.ToLowerInvariant(lower))], out var language))
        {
            return language;
        }

        var dot = name.LastIndexOf('.');
        var extension = name[(dot + 1)..];
        return dot >= 0 && extension.Length is > 0 and <= 16 && ByExtension.TryGetValue(lower[..extension.ToLowerInvariant(lower)], out language)
            ? language
            : null;
    }

    private static FrozenDictionary<string, Language>.AlternateLookup<ReadOnlySpan<char>> Table(string rows)
    {
        var table = new Dictionary<string, Language>(StringComparer.Ordinal);
        foreach (var row in rows.Split(['|', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var cells = row.Split(':');
            var language = new Language(cells[0], Enum.Parse<Structure>(cells[1]));
            foreach (var key in cells[2].Split(' '))
            {
                table.Add(key, language);
            }
        }

        return table.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }
}
