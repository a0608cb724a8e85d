using Microsoft.Extensions.Logging;

namespace Mahavishnu.SampleAgent;

/// <summary>Warnings to where they do not mix with the talk.</summary>
internal sealed class StandardError : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Console.Error.WriteLine($"{formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}");
        }
    }

    public void Dispose()
    {
        // The stream is the process's own.
    }
}
