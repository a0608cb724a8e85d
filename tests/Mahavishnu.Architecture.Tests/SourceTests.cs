using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Architecture.Tests;

/// <summary>Rules of hand that have bitten someone.</summary>
public sealed class SourceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The one place where statements that are put together become commands; it holds none itself.</summary>
    private const string CommandMaker = "services/Storage/SqlText.cs";

    private static bool IsStore(string path) => Regex.IsMatch(Path.GetFileName(path), @"Store(\.\w+)?\.cs$", RegexOptions.ExplicitCapture, Patience);

    [Fact]
    public void SQL_is_in_stores_alone()
    {
        // Upper case as all SQL here is written; sentences for people do not shout.
        var statement = new Regex(@"\b(SELECT\s|INSERT INTO|UPDATE \w+\s+SET|DELETE FROM|TRUNCATE\s|CREATE (TABLE|INDEX|UNIQUE|EXTENSION|DATABASE|FUNCTION)|ALTER (TABLE|DATABASE|SYSTEM)|DROP (TABLE|INDEX|DATABASE)|COPY \w+\s*[\(F])", RegexOptions.ExplicitCapture, Patience);
        var command = new Regex(@"\b(new NpgsqlCommand|new NpgsqlBatch|CreateCommand\(|CreateBatch\(|BeginBinaryImport|BeginBinaryExport)", RegexOptions.ExplicitCapture, Patience);
        var found = new List<string>();
        foreach (var path in House.Sources.Where(p => !IsStore(p) && p != CommandMaker))
        {
            var number = 0;
            foreach (var line in File.ReadLines(Path.Combine(House.Root, path)))
            {
                number++;
                if (!line.TrimStart().StartsWith("//", StringComparison.Ordinal) && (statement.IsMatch(line) || command.IsMatch(line)))
                {
                    found.Add($"{path}:{number}: {line.Trim()}");
                }
            }
        }

        Assert.Empty(found);
        Assert.Contains(House.Sources.Where(IsStore), p => statement.IsMatch(House.Text(p)));
    }

    [Fact]
    public void Nobody_reads_the_clock_of_the_machine()
    {
        var found = new List<string>();
        foreach (var assembly in House.Assemblies)
        {
            using var file = new PEReader(File.OpenRead(assembly.Location));
            var metadata = file.GetMetadataReader();
            foreach (var handle in metadata.MemberReferences)
            {
                var member = metadata.GetMemberReference(handle);
                if (member.Parent.Kind == HandleKind.TypeReference
                    && metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name) is "DateTime" or "DateTimeOffset"
                    && metadata.GetString(member.Name) is "get_UtcNow" or "get_Now" or "get_Today")
                {
                    found.Add($"{assembly.GetName().Name} reads {metadata.GetString(member.Name)}; take a TimeProvider");
                }
            }
        }

        Assert.Empty(found);
    }

    [Fact]
    public void Every_options_class_has_a_validator()
    {
        var options = House.Assemblies.SelectMany(a => a.GetTypes())
            .Where(t => t.Name.EndsWith("Options", StringComparison.Ordinal) && t.GetField("Section", BindingFlags.Public | BindingFlags.Static) is not null)
            .ToList();

        Assert.NotEmpty(options);
        Assert.All(options, o => Assert.Contains(
            o.Assembly.GetTypes(), t => t is { IsAbstract: false } && t.GetInterfaces().Contains(typeof(IValidateOptions<>).MakeGenericType(o))));
    }

    [Fact]
    public void No_two_options_share_a_section()
    {
        var sections = House.Assemblies.SelectMany(a => a.GetTypes())
            .Where(t => t.Name.EndsWith("Options", StringComparison.Ordinal))
            .Select(t => t.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string)
            .OfType<string>()
            .ToList();

        Assert.Equal(sections.Distinct(StringComparer.OrdinalIgnoreCase), sections);
    }

    [Fact]
    public void A_file_has_at_most_400_lines() =>
        Assert.DoesNotContain(House.Files("*.cs").Select(f => (File: f, Lines: File.ReadLines(Path.Combine(House.Root, f)).Count())), f => f.Lines > 400);

    [Fact]
    public void Warnings_are_mended_and_not_muted()
    {
        Assert.All(House.Sources.Where(p => p != CommandMaker), p => Assert.DoesNotContain("#pragma warning", House.Text(p), StringComparison.Ordinal));
        Assert.All(House.Projects, p => Assert.DoesNotContain("<NoWarn>", House.Text(p.Path), StringComparison.Ordinal));
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", House.Text("Directory.Build.props"), StringComparison.Ordinal);
        Assert.Contains("dotnet_diagnostic.CA2100.severity = error", House.Text(".editorconfig"), StringComparison.Ordinal);
    }
}
