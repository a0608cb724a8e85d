namespace Mahavishnu.EndToEnd.Tests;

/// <summary>Systems of a test's own: for tests that kill, starve or flood what others would share.</summary>
public static class Deployments
{
    public const string Together = "in one process";
    public const string Apart = "as services";

    public static TheoryData<string> Both => [Together, Apart];

    /// <summary>Not started.</summary>
    public static MahavishnuSystem Make(string deployment, string connectionString, Folder roots, params (string Name, string? Value)[] settings) => deployment == Together
        ? new UpSystem(connectionString, roots.Path, settings)
        : new SplitSystem(connectionString, roots.Path, settings);
}
