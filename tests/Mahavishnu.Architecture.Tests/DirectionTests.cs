using NetArchTest.Rules;

namespace Mahavishnu.Architecture.Tests;

/// <summary>Exes → modules → Storage, Embeddings, ServiceDefaults → Contracts; docs/adr/0001 says why.</summary>
public sealed class DirectionTests
{
    private static readonly string[] Ground = ["Mahavishnu.Contracts", "Mahavishnu.Storage", "Mahavishnu.Embeddings", "Mahavishnu.ServiceDefaults"];

    [Fact]
    public void Contracts_reference_nothing()
    {
        Assert.Empty(House.Find("Mahavishnu.Contracts").References);
        Assert.Empty(House.Find("Mahavishnu.Contracts").Packages);
    }

    [Theory]
    [InlineData("Mahavishnu.Storage")]
    [InlineData("Mahavishnu.Embeddings")]
    [InlineData("Mahavishnu.ServiceDefaults")]
    public void What_modules_stand_on_references_contracts_alone(string project) =>
        Assert.Equal(["Mahavishnu.Contracts"], House.Find(project).References);

    [Fact]
    public void A_module_never_references_another()
    {
        foreach (var module in House.Modules)
        {
            Assert.Empty(House.Find(module).References.Except(Ground, StringComparer.Ordinal));
            var assembly = House.Assemblies.Single(a => a.GetName().Name == module);
            Assert.Empty(assembly.GetReferencedAssemblies().Select(r => r.Name).Intersect(House.Modules, StringComparer.Ordinal));
        }
    }

    [Fact]
    public void A_service_exe_hosts_its_own_module_alone()
    {
        foreach (var module in House.Modules)
        {
            Assert.Contains(module, House.Find($"{module}.Service").References);
            Assert.Empty(House.Find($"{module}.Service").References.Except([module, .. Ground], StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_gateway_knows_names_and_edges_and_not_modules() =>
        Assert.Empty(House.Find("Mahavishnu.Gateway").References.Except(["Mahavishnu.Contracts", "Mahavishnu.ServiceDefaults", .. House.Edges], StringComparer.Ordinal));

    [Fact]
    public void An_edge_knows_contracts_alone() =>
        Assert.All(House.Edges, edge => Assert.Equal(["Mahavishnu.Contracts"], House.Find(edge).References));

    [Fact]
    public void What_is_given_to_others_carries_the_contracts_and_nothing_of_the_service()
    {
        Assert.Equal(["Mahavishnu.Contracts"], House.Find("Mahavishnu.Client").References);
        Assert.Equal(["Mahavishnu.Client", "Mahavishnu.Contracts"], House.Find("Mahavishnu.SampleAgent").References.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_references_an_exe_but_tests_benchmarks_and_the_AppHost()
    {
        var exes = House.Projects.Where(p => p.IsExe && p.Room != "tests").Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("Mahavishnu.Gateway", exes);
        Assert.Contains("Mahavishnu.Cli", exes);

        foreach (var project in House.Projects.Where(p => p.Room is not ("tests" or "benchmarks") && p.Name != "Mahavishnu.AppHost"))
        {
            Assert.Empty(project.References.Where(exes.Contains).Select(r => $"{project.Name} → {r}"));
        }
    }

    [Fact]
    public void Only_the_AppHost_references_Aspire()
    {
        var users = House.Projects.Where(p => p.Packages.Any(r => r.Id.StartsWith("Aspire.Hosting", StringComparison.Ordinal) || r.Id.StartsWith("CommunityToolkit.Aspire", StringComparison.Ordinal)));

        Assert.All(users, p => Assert.StartsWith("Mahavishnu.AppHost", p.Name, StringComparison.Ordinal));
        Assert.NotEmpty(users);
    }

    [Theory]
    [InlineData("Mahavishnu.Contracts", "Microsoft.AspNetCore", "Microsoft.Extensions", "Npgsql", "Mahavishnu.Storage")]
    [InlineData("Mahavishnu.Client", "Npgsql", "Pgvector", "Microsoft.AspNetCore", "Mahavishnu.ServiceDefaults")]
    [InlineData("Mahavishnu.ServiceDefaults", "Npgsql", "Pgvector")]
    [InlineData("Mahavishnu.Embeddings", "Npgsql", "Pgvector", "Microsoft.AspNetCore")]
    [InlineData("Mahavishnu.Gateway", "Npgsql", "Mahavishnu.Storage", "Mahavishnu.Ingest", "Mahavishnu.Search")]
    public void A_room_does_not_know_what_is_behind_the_next(string assembly, params string[] unknown)
    {
        var result = Types.InAssembly(House.Assemblies.Single(a => a.GetName().Name == assembly)).ShouldNot().HaveDependencyOnAny(unknown).GetResult();

        Assert.Empty(result.FailingTypeNames ?? []);
    }

    [Fact]
    public void A_module_shows_its_module_type_alone()
    {
        foreach (var assembly in House.Assemblies.Where(a => House.Modules.Concat(House.Edges).Contains(a.GetName().Name)))
        {
            var type = Assert.Single(assembly.GetExportedTypes());
            Assert.Equal($"{assembly.GetName().Name!.Split('.')[^1]}Module", type.Name);
        }
    }

    [Fact]
    public void A_thin_host_is_thin()
    {
        foreach (var program in House.Files("Program.cs", "services"))
        {
            Assert.InRange(File.ReadLines(Path.Combine(House.Root, program)).Count(), 1, 30);
        }
    }
}
