namespace Mahavishnu.Benchmarks;

/// <summary>Where a question may find something.</summary>
internal enum Scope
{
    All,

    /// <summary>One type: a tenth of the memories, an index scan with a condition.</summary>
    TenPercent,

    /// <summary>One repository: a thousandth of the memories, its own index and every vector compared.</summary>
    OnePerMille,
}

internal static class Scopes
{
    public static string Words(this Scope scope) => scope switch { Scope.All => "all", Scope.TenPercent => "10 % filter", _ => "0.1 % filter" };

    public static string? Type(this Scope scope) => scope == Scope.TenPercent ? SyntheticMemory.TenPercent : null;

    /// <summary>Each question has a repository of its own.</summary>
    public static string? Repo(this Scope scope, int question) => scope == Scope.OnePerMille ? SyntheticMemory.RepoName(question) : null;
}
