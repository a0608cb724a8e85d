using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Architecture.Tests;

/// <summary>docs/configuration.md is what the options classes say, and all that the program reads. It is part of the program: settings files are checked against it.</summary>
public sealed class ConfigurationPageTests
{
    private const string Page = "docs/configuration.md";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Fact]
    public void The_page_has_every_option_with_default_range_and_meaning()
    {
        var table = string.Join('\n', Options().SelectMany(Rows).Order(StringComparer.Ordinal).Prepend("| --- | --- | --- | --- |").Prepend("| key | default | takes | what |"));
        var page = Regex.Replace(
            House.Text(Page).ReplaceLineEndings("\n"), "(?<=<!-- options -->\n).*(?=<!-- /options -->)", _ => $"\n{table}\n\n", RegexOptions.Singleline, Patience);

        Approved.Equal(page, $"../../{Page}");
    }

    [Fact]
    public void A_key_that_the_code_names_is_on_the_page()
    {
        // "Embedding:Ollama:Url", "Logging:Format": of the sections that the page has.
        var sections = SettingKeys.All.Where(s => s.Name.Contains(':', StringComparison.Ordinal)).Select(s => s.Name.Split(':')[0]).Distinct(StringComparer.Ordinal);
        var literal = new Regex($"\"(?<key>({string.Join('|', sections)})(:[A-Z][A-Za-z]+)+)\"", RegexOptions.ExplicitCapture, Patience);
        var named = House.Sources.SelectMany(p => literal.Matches(House.Text(p)).Select(m => m.Groups["key"].Value)).ToHashSet(StringComparer.Ordinal);

        Assert.Contains("Embedding:Ollama:Url", named);
        Assert.All(named, key => Assert.True(SettingKeys.Find(key) is not null || SettingKeys.All.Any(s => s.Name.StartsWith(key + ':', StringComparison.Ordinal)), $"{key} is not on {Page}."));
    }

    [Fact]
    public void The_page_has_each_of_the_plans_keys_and_where_it_goes()
    {
        // | `postgresql.host` | the database server | `MAHAVISHNU_PG_HOST` |
        var rows = Regex.Matches(House.Text(Page), @"^\| (?<keys>`[a-z_.]+`(, `[a-z_.]+`)*) \|(?<what>[^|]+)\| ?(`(?<setting>[^`]+)` )?\|$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, Patience)
            .SelectMany(m => m.Groups["keys"].Value.Split(", ").Select(k => (Key: k.Trim('`').Replace('.', ':'), What: m.Groups["what"].Value.Trim(), Setting: m.Groups["setting"].Value)))
            .ToDictionary(r => r.Key, r => (r.What, r.Setting), StringComparer.Ordinal);

        Assert.Equal(PlanKeys.Settings.Select(s => (s.Key, s.Value)).Order(), rows.Where(r => PlanKeys.Settings.ContainsKey(r.Key)).Select(r => (r.Key, r.Value.Setting)).Order());
        Assert.Equal(PlanKeys.WithoutEffect.Select(s => (s.Key, $"no effect: {s.Value}")).Order(), rows.Where(r => PlanKeys.WithoutEffect.ContainsKey(r.Key)).Select(r => (r.Key, r.Value.What)).Order());
        Assert.All(rows.Keys, k => Assert.True(PlanKeys.IsPlans(k), k));
        Assert.All(PlanKeys.Settings.Values, s => Assert.NotNull(SettingKeys.Find(s)));
        Assert.Contains(PlanKeys.PostgresqlEnabled, rows.Keys);
        Assert.Contains(PlanKeys.Monitoring, rows.Keys);
    }

    [Fact]
    public void No_key_is_there_twice() =>
        Assert.Equal(SettingKeys.All.Select(s => s.Name).Distinct(StringComparer.OrdinalIgnoreCase), SettingKeys.All.Select(s => s.Name));

    // The list of roots is its whole section, and stands among the keys that are no options.
    private static IEnumerable<(string Section, Type Type)> Options() => House.Assemblies.SelectMany(a => a.GetTypes())
        .Where(t => t.Name.EndsWith("Options", StringComparison.Ordinal) && t != typeof(RootsOptions))
        .Select(t => (Section: t.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string, Type: t))
        .Where(t => t.Section is not null)
        .Select(t => (t.Section!, t.Type));

    private static IEnumerable<string> Rows((string Section, Type Type) options)
    {
        var instance = Activator.CreateInstance(options.Type, nonPublic: true)!;
        foreach (var property in options.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            yield return $"| `{options.Section}:{property.Name}` | {Default(property.GetValue(instance))} | {Takes(property)} | {Summary(property)} |";
        }
    }

    private static string Default(object? value) => value switch
    {
        null or IList { Count: 0 } => "none",
        bool flag => flag ? "`true`" : "`false`",
        _ => $"`{Convert.ToString(value, CultureInfo.InvariantCulture)}`",
    };

    private static string Takes(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum)
        {
            return $"one of {string.Join(", ", Enum.GetNames(type))}";
        }

        if (type == typeof(bool))
        {
            return "true or false";
        }

        if (type != typeof(string) && type.IsAssignableTo(typeof(IEnumerable)))
        {
            return "list";
        }

        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            var most = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture) is var m && m >= int.MaxValue ? "" : string.Create(CultureInfo.InvariantCulture, $" to {range.Maximum}");
            return string.Create(CultureInfo.InvariantCulture, $"a {(type == typeof(double) ? "" : "whole ")}number from {range.Minimum}{most}");
        }

        // "VectorIndex:BuildMemory must be a size such as 512MB."
        return property.GetCustomAttribute<RegularExpressionAttribute>()?.ErrorMessage is { } message
            ? message[(message.IndexOf("must be ", StringComparison.Ordinal) + 8)..].TrimEnd('.')
            : "text";
    }

    /// <summary>The summary as the compiler wrote it down, on one line.</summary>
    private static string Summary(PropertyInfo property)
    {
        var documents = XDocument.Load(Path.ChangeExtension(property.DeclaringType!.Assembly.Location, ".xml"));
        var member = documents.Descendants("member").FirstOrDefault(m => (string?)m.Attribute("name") == $"P:{property.DeclaringType.FullName}.{property.Name}");
        Assert.True(member?.Element("summary") is not null, $"{property.DeclaringType.Name}.{property.Name} has no summary: nobody can tell what it is for.");
        foreach (var see in member!.Descendants("see").ToList())
        {
            see.ReplaceWith($"`{((string)see.Attribute("cref")!).Split('.')[^1]}`");
        }

        foreach (var code in member.Descendants("c").ToList())
        {
            code.ReplaceWith($"`{code.Value}`");
        }

        return Regex.Replace(member.Element("summary")!.Value.Trim(), @"\s+", " ", RegexOptions.None, Patience).Replace("|", "or", StringComparison.Ordinal);
    }
}
