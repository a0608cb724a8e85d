namespace Mahavishnu.Storage;

/// <summary>Whose data a statement touches. One tenant for now; every statement already asks.</summary>
public sealed class TenantScope
{
    /// <summary>The tenant of everything written before tenants have keys of their own.</summary>
    public const string Default = "default";

    public string Current { get; } = Default;
}
