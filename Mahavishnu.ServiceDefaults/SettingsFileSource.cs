using Microsoft.Extensions.Configuration;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The values of one settings file.</summary>
internal sealed class SettingsFileSource(string path, Dictionary<string, string?> values) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new SettingsFileProvider(path, values);
}

internal sealed class SettingsFileProvider : ConfigurationProvider
{
    public SettingsFileProvider(string path, Dictionary<string, string?> values)
    {
        Path = path;
        Data = values;
    }

    /// <summary>Of the file.</summary>
    public string Path { get; }
}
