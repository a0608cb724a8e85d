namespace Mahavishnu.Contracts;

/// <summary>A setting that stops the start. The message names the key, or the file and line, and is all a person needs to see.</summary>
public class SettingsException(string message, Exception? innerException = null) : Exception(message, innerException);
