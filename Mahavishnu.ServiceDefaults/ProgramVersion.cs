using System.Reflection;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The one version of all that is built here.</summary>
public static class ProgramVersion
{
    public static string Current { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
}
