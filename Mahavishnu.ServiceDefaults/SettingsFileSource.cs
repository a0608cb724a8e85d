using Microsoft.Extensions.Configuration;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The values of one settings file.</summary>
internal sealed class SettingsFileSource(string path, SettingsContent content) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new SettingsFileProvider(path, content);
}

internal sealed class SettingsFileProvider : ConfigurationProvider
{
    private readonly SettingsContent _content;

    public SettingsFileProvider(string path, SettingsContent content)
    {
        Path = path;
        _content = content;
        Data = content.Values;
    }

    /// <summary>Of the file.</summary>
    public string Path { get; }

    /// <summary>The key as it stands in the file.</summary>
    public string Written(string key) => _content.Written[key];
}
