namespace Mahavishnu.Cli;

/// <summary>What the program says to the shell that called it.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int DependencyMissing = 3;
}

/// <summary>A verb cannot do what was asked; the message is for the person who asked. Null: it has been said already.</summary>
internal sealed class CliException(string? message, int exitCode = ExitCode.Failed) : Exception(message)
{
    public bool Said { get; } = message is null;

    public int Code { get; } = exitCode;
}
