using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A directory with files, gone with the test.</summary>
internal sealed class SampleRepository : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("repositories-");

    /// <summary>The allowed root around the repository.</summary>
    public string Root => AllowedRoots.RealPath(_root.FullName)!;

    public string Path => System.IO.Path.Combine(Root, "sample");

    public SampleRepository Write(string file, string content)
    {
        var path = System.IO.Path.Combine(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return this;
    }

    public void Delete(string file) => File.Delete(System.IO.Path.Combine(Path, file));

    /// <summary>A C# file of some chunks, one for each method.</summary>
    public SampleRepository WriteCode(string file, int methods, string word = "value")
    {
        var body = string.Concat(Enumerable.Repeat($"        Console.WriteLine(\"{word} and {word} again\", {word});\n", 30));
        return Write(file, $"public static class Sample\n{{\n{string.Concat(Enumerable.Range(1, methods).Select(i => $"    public static void Run{i}()\n    {{\n{body}    }}\n\n"))}}}\n");
    }

    public void Dispose() => _root.Delete(recursive: true);
}
