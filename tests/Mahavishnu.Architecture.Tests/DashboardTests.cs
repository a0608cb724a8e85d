using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace Mahavishnu.Architecture.Tests;

/// <summary><c>infra/otel</c>: what the dashboard asks for is what docs/telemetry.md has, and the parts of the way there fit each other.</summary>
public sealed class DashboardTests
{
    private const string Folder = "infra/otel";
    private const string Dashboard = $"{Folder}/grafana/mahavishnu.json";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // What Prometheus and the collector add.
    private static readonly string[] Given = ["job", "instance", "le"];

    private static readonly Dictionary<string, DocumentedMetric> Series =
        TelemetryTests.Documented.SelectMany(m => m.Series.Select(s => KeyValuePair.Create(s, m))).ToDictionary(StringComparer.Ordinal);

    private readonly JsonElement _dashboard = JsonElement.Parse(House.Text(Dashboard));

    public static TheoryData<string> Questions => [.. Expressions(JsonElement.Parse(House.Text(Dashboard)))];

    [Theory]
    [MemberData(nameof(Questions))]
    public void A_panel_asks_for_series_and_labels_that_are_documented(string expression)
    {
        var (series, by, left) = Read(expression);

        Assert.NotEmpty(series);
        // A metric without a selector would have passed unseen.
        Assert.DoesNotMatch("[A-Za-z_]{3,}", left);
        foreach (var (name, matchers) in series)
        {
            Assert.True(Series.TryGetValue(name, out var metric), $"{name} is not in docs/telemetry.md.");
            Assert.All(by.Concat(matchers.Select(m => m.Label)), label => Assert.Contains(label, metric.Labels.Keys.Concat(Given)));
            Assert.All(matchers.Where(m => m.Operator == "=" && metric.Labels[m.Label].Length > 0), m => Assert.Contains(m.Value, metric.Labels[m.Label]));
        }
    }

    [Theory]
    [InlineData("sum by (job) (rate(memory_store_counts_total{job=~\"x\"}[5m]))")]
    [InlineData("sum by (armm) (rate(memory_search_latency_seconds_count{job=~\"x\"}[5m]))")]
    [InlineData("sum by (arm) (rate(memory_search_latency_seconds_count{outcome=\"eror\"}[5m]))")]
    [InlineData("sum by (arm) (rate(memory_search_latency_seconds_count[5m]))")]
    [InlineData("sum(up)")]
    public void What_is_misspelt_is_found(string expression) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => A_panel_asks_for_series_and_labels_that_are_documented(expression));

    [Fact]
    public void The_dashboard_shows_what_the_plan_measures_and_more()
    {
        var asked = Expressions(_dashboard).SelectMany(e => Read(e).Series).Select(s => Series[s.Name].Name).ToHashSet(StringComparer.Ordinal);

        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "memory.store.count", "memory.search.latency", "mahavishnu.embedding.queue", "mahavishnu.embedding.queue.age", "mahavishnu.embedding.failures",
                "mahavishnu.ingest.repository.chunks", "mahavishnu.ingest.repository.bytes", "mahavishnu.import.rows", "db.client.connection.count", "db.client.connection.max",
                "db.client.operation.duration", "http.server.request.duration", "gen_ai.client.operation.duration", "dotnet.process.memory.working_set",
            },
            asked);
        Assert.All(
            (string[])["0.5", "0.95", "0.99"],
            share => Assert.Contains(Expressions(_dashboard), e => e.StartsWith($"histogram_quantile({share}, sum by (le, arm) (rate(memory_search_latency_seconds_bucket", StringComparison.Ordinal)));
    }

    [Fact]
    public void Panels_have_a_place_and_a_number_of_their_own_and_a_source_that_is_provisioned()
    {
        var panels = _dashboard.GetProperty("panels").EnumerateArray().ToList();
        var sources = Maps(Yaml("grafana/datasources.yaml"), "datasources").Select(s => Text(s, "uid")).ToList();

        Assert.Equal(panels.Count, panels.Select(p => p.GetProperty("id").GetInt32()).Distinct().Count());
        var places = panels.SelectMany(p => Cells(p.GetProperty("gridPos"))).ToList();
        Assert.Equal(places.Count, places.Distinct().Count());
        Assert.All(places, p => Assert.InRange(p.X, 0, 23));
        Assert.All(Uids(_dashboard), uid => Assert.Contains(uid, sources));

        static IEnumerable<(int X, int Y)> Cells(JsonElement at) =>
            from x in Enumerable.Range(at.GetProperty("x").GetInt32(), at.GetProperty("w").GetInt32())
            from y in Enumerable.Range(at.GetProperty("y").GetInt32(), at.GetProperty("h").GetInt32())
            select (x, y);
    }

    [Fact]
    public void The_collector_takes_all_three_and_leads_each_somewhere()
    {
        var collector = Yaml("collector.yaml");
        var pipelines = Map(Map(collector, "service"), "pipelines");

        Assert.Equal(["logs", "metrics", "traces"], pipelines.Keys.Cast<string>().Order(StringComparer.Ordinal));
        foreach (var part in (string[])["receivers", "processors", "exporters"])
        {
            var used = pipelines.Keys.SelectMany(p => Texts(Map(pipelines, (string)p), part)).ToHashSet(StringComparer.Ordinal);
            // What is defined and not used does not run; what is used and not defined stops the start.
            Assert.Equal(used.Order(StringComparer.Ordinal), Map(collector, part).Keys.Cast<string>().Order(StringComparer.Ordinal));
        }

        Assert.Equal(["prometheus"], Texts(Map(pipelines, "metrics"), "exporters"));
        Assert.Equal(Texts(Map(collector, "service"), "extensions"), Map(collector, "extensions").Keys.Cast<string>());
        Assert.Equal("true", Text(Map(Map(collector, "exporters"), "prometheus"), "add_metric_suffixes"));
    }

    [Fact]
    public void Whoever_sends_finds_whoever_listens()
    {
        var services = Map(Yaml("docker-compose.yaml"), "services");
        var exporters = Map(Yaml("collector.yaml"), "exporters");
        var scrape = Assert.Single(Maps(Yaml("prometheus.yaml"), "scrape_configs"));

        // The collector's own job and instance would stand before the services'.
        Assert.Equal("true", Text(scrape, "honor_labels"));
        Assert.Equal([Text(Map(exporters, "prometheus"), "endpoint").Replace("0.0.0.0", "collector", StringComparison.Ordinal)], Texts(Assert.Single(Maps(scrape, "static_configs")), "targets"));
        string[] addresses =
        [
            .. exporters.Keys.Cast<string>().Where(e => e != "prometheus").Select(e => Text(Map(exporters, e), "endpoint")),
            .. Maps(Yaml("grafana/datasources.yaml"), "datasources").Select(s => Text(s, "url")),
        ];
        Assert.All(addresses, a => Assert.Contains(a.Split("//")[^1].Split(':')[0], services.Keys.Cast<string>()));
    }

    [Fact]
    public void What_runs_has_a_version_is_reached_from_this_machine_only_and_finds_its_files()
    {
        var services = Map(Yaml("docker-compose.yaml"), "services");
        foreach (var service in services.Keys.Cast<string>().Select(name => Map(services, name)))
        {
            Assert.Matches(@"^docker\.io/.+:v?\d+\.\d+\.\d+$", Text(service, "image"));
            Assert.All(Texts(service, "ports"), p => Assert.StartsWith("127.0.0.1:", p, StringComparison.Ordinal));
            Assert.All(Texts(service, "volumes").Where(v => v.StartsWith('.')), v => Assert.NotEmpty(House.Text($"{Folder}/{v.Split(':')[0][2..]}")));
        }

        Assert.Superset(new HashSet<string>(["127.0.0.1:4317:4317", "127.0.0.1:4318:4318"], StringComparer.Ordinal), Texts(Map(services, "collector"), "ports").ToHashSet(StringComparer.Ordinal));
    }

    // histogram_quantile(0.5, sum by (le, arm) (rate(memory_search_latency_seconds_bucket{job=~"$job"}[$__rate_interval])))
    private static (List<(string Name, List<(string Label, string Operator, string Value)> Matchers)> Series, List<string> By, string Left) Read(string expression)
    {
        // A variable's question: label_values(metric, label)
        expression = Regex.Replace(expression, @"label_values\((?<metric>\w+), (?<label>\w+)\)", "sum by (${label}) (${metric}{})", RegexOptions.ExplicitCapture, Patience);
        var selector = new Regex(@"(?<name>[A-Za-z_:][\w:]*)\{(?<matchers>[^}]*)\}", RegexOptions.ExplicitCapture, Patience);
        var grouping = new Regex(@"\b(by|without|on|ignoring) \((?<labels>[^)]*)\)", RegexOptions.ExplicitCapture, Patience);
        var series = selector.Matches(expression)
            .Select(m => (m.Groups["name"].Value, Regex.Matches(m.Groups["matchers"].Value, "(?<label>\\w+)(?<operator>=~|!~|!=|=)\"(?<value>[^\"]*)\"", RegexOptions.ExplicitCapture, Patience)
                .Select(l => (l.Groups["label"].Value, l.Groups["operator"].Value, l.Groups["value"].Value)).ToList()))
            .ToList();
        var by = grouping.Matches(expression).SelectMany(m => m.Groups["labels"].Value.Split(", ")).ToList();
        var left = Regex.Replace(grouping.Replace(selector.Replace(expression, ""), ""), @"\[[^\]]*\]|\w+(?=\s*\()", "", RegexOptions.ExplicitCapture, Patience);
        return (series, by, left);
    }

    private static List<string> Expressions(JsonElement dashboard) =>
    [
        .. dashboard.GetProperty("panels").EnumerateArray().Where(p => p.GetProperty("type").GetString() != "row").SelectMany(p => p.GetProperty("targets").EnumerateArray()).Select(t => t.GetProperty("expr").GetString()!),
        .. dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Select(v => v.GetProperty("definition").GetString()!),
    ];

    private static IEnumerable<string> Uids(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => p.Name == "datasource" ? [p.Value.GetProperty("uid").GetString()!] : Uids(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Uids),
        _ => [],
    };

    private static Dictionary<object, object> Yaml(string file) => (Dictionary<object, object>)new DeserializerBuilder().Build().Deserialize(House.Text($"{Folder}/{file}"))!;

    private static Dictionary<object, object> Map(Dictionary<object, object> map, string key) => (Dictionary<object, object>)map[key];

    private static IEnumerable<Dictionary<object, object>> Maps(Dictionary<object, object> map, string key) => ((List<object>)map[key]).Cast<Dictionary<object, object>>();

    private static IEnumerable<string> Texts(Dictionary<object, object> map, string key) => map.TryGetValue(key, out var list) ? ((List<object>)list).Cast<string>() : [];

    private static string Text(Dictionary<object, object> map, string key) => (string)map[key];
}
