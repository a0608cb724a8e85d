using System.Reflection;
using System.Xml.Linq;

namespace Mahavishnu.Architecture.Tests;

/// <summary>A project of the repository, as its file says.</summary>
internal sealed record Project(string Name, string Path, IReadOnlyList<string> References, IReadOnlyList<(string Id, bool HasVersion)> Packages, bool IsExe)
{
    /// <summary>The first folder: <c>services</c>, <c>tests</c>, <c>benchmarks</c>, or the project's own.</summary>
    public string Room => Path.Split('/')[0];
}

/// <summary>The repository as files and as assemblies.</summary>
internal static class House
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<Project> Projects { get; } =
        [.. Files("*.csproj").Select(Read).OrderBy(p => p.Name, StringComparer.Ordinal)];

    public static IReadOnlyList<string> Modules { get; } = ["Mahavishnu.Ingest", "Mahavishnu.Search", "Mahavishnu.Migration"];

    /// <summary>Modules at the door: the gateway and `up` map them, and they reach the others by the typed clients alone.</summary>
    public static IReadOnlyList<string> Edges { get; } = ["Mahavishnu.Mcp"];

    /// <summary>What is shipped, the thin exes apart.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } =
        [.. Modules.Concat(Edges).Concat(["Mahavishnu.Contracts", "Mahavishnu.Storage", "Mahavishnu.Embeddings", "Mahavishnu.ServiceDefaults", "Mahavishnu.Gateway", "Mahavishnu.Client", "mahavishnu-cli"]).Select(Assembly.Load)];

    /// <summary>Paths relative to the root, with slashes, build output left out.</summary>
    public static IEnumerable<string> Files(string pattern, string folder = "") =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
            .Where(f => !f.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "TestResults" || part.StartsWith('.')));

    /// <summary>Source that is shipped.</summary>
    public static IEnumerable<string> Sources => Files("*.cs").Where(f => !f.StartsWith("tests/", StringComparison.Ordinal) && !f.StartsWith("benchmarks/", StringComparison.Ordinal));

    public static string Text(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static Project Find(string name) => Projects.Single(p => p.Name == name);

    private static Project Read(string path)
    {
        var xml = XDocument.Load(Path.Combine(Root, path));
        var folder = Path.GetDirectoryName(Path.Combine(Root, path))!;
        var sdk = (string?)xml.Root!.Attribute("Sdk") ?? "";
        return new Project(
            Path.GetFileNameWithoutExtension(path),
            path,
            // What is only built beside, to be started as a process, is not referenced.
            [.. xml.Descendants("ProjectReference").Where(r => (string?)r.Attribute("ReferenceOutputAssembly") != "false").Select(r => Path.GetFileNameWithoutExtension(Path.GetFullPath(Path.Combine(folder, ((string)r.Attribute("Include")!).Replace('\\', '/')))))],
            [.. xml.Descendants("PackageReference").Select(r => ((string)r.Attribute("Include")!, r.Attribute("Version") is not null || r.Attribute("VersionOverride") is not null))],
            sdk.Contains("Web", StringComparison.Ordinal) || sdk.Contains("AppHost", StringComparison.Ordinal) || xml.Descendants("OutputType").Any(o => o.Value == "Exe"));
    }

    private static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "Mahavishnu.slnf")))
        {
            at = at.Parent;
        }

        return at.FullName;
    }
}
