using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Mahavishnu.Architecture.Tests;

/// <summary>Solutions and packages.</summary>
public sealed class SolutionTests
{
    [Fact]
    public void The_full_solution_has_every_project()
    {
        Assert.Equal(House.Projects.Select(p => p.Path).Order(StringComparer.Ordinal), InSolution());
    }

    [Fact]
    public void The_filter_is_the_solution_without_the_AppHost_and_its_tests()
    {
        var filter = JsonNode.Parse(House.Text("Mahavishnu.slnf"))!["solution"]!;

        Assert.Equal("Mahavishnu.Aspire.sln", (string?)filter["path"]);
        Assert.Equal(
            InSolution().Where(p => !p.Contains("Mahavishnu.AppHost", StringComparison.Ordinal)),
            filter["projects"]!.AsArray().Select(p => ((string)p!).Replace('\\', '/')).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Aspire.Hosting.AppHost")]
    [InlineData("Aspire.Hosting.PostgreSQL")]
    [InlineData("Aspire.Hosting.Docker")]
    [InlineData("Aspire.Hosting.Azure.AppContainers")]
    [InlineData("Aspire.Hosting.Azure.PostgreSQL")]
    [InlineData("Aspire.Hosting.Testing")]
    [InlineData("Aspire.Npgsql")]
    [InlineData("CommunityToolkit.Aspire.Hosting.Ollama")]
    [InlineData("Pgvector")]
    [InlineData("ModelContextProtocol.AspNetCore")]
    [InlineData("Npgsql")]
    [InlineData("DuckDB.NET.Data.Full")]
    [InlineData("Yarp.ReverseProxy")]
    [InlineData("OpenTelemetry.Extensions.Hosting")]
    [InlineData("Microsoft.Extensions.AI")]
    [InlineData("xunit.v3")]
    public void A_package_of_the_design_has_its_version_in_one_place(string package) => Assert.Contains(package, Versions().Keys);

    [Fact]
    public void Versions_are_exact_and_central()
    {
        var props = XDocument.Parse(House.Text("Directory.Packages.props"));

        Assert.Equal("true", props.Descendants("CentralPackageTransitivePinningEnabled").Single().Value);
        Assert.All(Versions().Values, v => Assert.Matches(@"^(\d+(\.\d+){1,3}(-[\w.]+)?|\$\(\w+\))$", v));
        Assert.All(House.Projects, p => Assert.DoesNotContain(p.Packages, r => r.HasVersion));
    }

    [Fact]
    public void The_AppHosts_SDK_and_its_packages_have_one_version()
    {
        var sdk = (string)XDocument.Parse(House.Text("Mahavishnu.AppHost/Mahavishnu.AppHost.csproj")).Root!.Attribute("Sdk")!;
        var version = XDocument.Parse(House.Text("Directory.Packages.props")).Descendants("AspireVersion").Single().Value;

        Assert.Equal($"Aspire.AppHost.Sdk/{version}", sdk);
    }

    private static Dictionary<string, string> Versions() =>
        XDocument.Parse(House.Text("Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(p => (string)p.Attribute("Include")!, p => (string)p.Attribute("Version")!, StringComparer.Ordinal);

    private static IEnumerable<string> InSolution() =>
        Regex.Matches(House.Text("Mahavishnu.Aspire.sln"), "\"(?<path>[^\"]+\\.csproj)\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))
            .Select(m => m.Groups["path"].Value.Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
}
