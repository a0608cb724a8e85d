using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest;

/// <summary>Entries of a memory's metadata that the server writes: what its own tables know, where hits show it and filters find it.</summary>
internal static class OwnMetadata
{
    /// <param name="metadata">An object as text.</param>
    public static string Add(string metadata, FieldErrors errors, params ReadOnlySpan<(string Name, JsonNode? Value)> own)
    {
        var all = JsonNode.Parse(metadata)!.AsObject();
        foreach (var (name, value) in own)
        {
            if (all.TryGetPropertyValue(name, out var given) && !JsonNode.DeepEquals(given, value))
            {
                errors.Add($"metadata.{name}", "The server writes this entry itself; leave it out.");
            }

            all[name] = value;
        }

        return all.ToJsonString(WireJson.Strict);
    }
}
