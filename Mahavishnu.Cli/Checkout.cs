namespace Mahavishnu.Cli;

/// <summary>The source tree that this program was built from: the local server's scripts, the tests and the demo live there.</summary>
internal static class Checkout
{
    public const string Variable = "MAHAVISHNU_ROOT";
    private const string Solution = "Mahavishnu.slnf";

    /// <summary>The launcher says where; else it is looked for above the program. Null for a program without a source tree.</summary>
    public static string? Root { get; } =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named && IsRoot(named) ? named : Above(AppContext.BaseDirectory);

    public static string Require(string what) =>
        Root ?? throw new CliException($"{what} needs the source tree that this program was built from: start it with ./mahavishnu there, or set {Variable}.", ExitCode.DependencyMissing);

    private static string? Above(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (IsRoot(at.FullName))
            {
                return at.FullName;
            }
        }

        return null;
    }

    private static bool IsRoot(string folder) => File.Exists(Path.Combine(folder, Solution));
}
