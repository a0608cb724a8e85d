using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Gateway;

/// <summary>Several services' OpenAPI documents as one; no I/O.</summary>
internal static class DocumentMerge
{
    private const string Prefix = "#/components/";

    /// <param name="documents">Service → its document, or null where it did not answer. The nodes are left as they are.</param>
    public static JsonObject Merge(IReadOnlyList<(string Service, JsonObject? Document)> documents)
    {
        var merged = new JsonObject();
        var paths = new JsonObject();
        var components = new JsonObject();
        var tags = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (service, original) in documents)
        {
            if (original is null)
            {
                continue;
            }

            var document = Rename(original, components, service);
            foreach (var (key, value) in document)
            {
                // openapi, info, security: the same everywhere; the first says it.
                if (key is not ("paths" or "components" or "tags" or "servers"))
                {
                    merged.TryAdd(key, value?.DeepClone());
                }
            }

            Add(paths, document["paths"], path => Owner(path) is null || Owner(path) == service);
            foreach (var (kind, entries) in document["components"] as JsonObject ?? [])
            {
                components.TryAdd(kind, new JsonObject());
                Add(components[kind]!.AsObject(), entries, _ => true);
            }

            tags.UnionWith((document["tags"] as JsonArray ?? []).Select(t => (string?)t?["name"]).OfType<string>());
        }

        merged["paths"] = Sorted(paths);
        merged["components"] = components;
        merged["tags"] = new JsonArray([.. tags.Select(t => new JsonObject { ["name"] = t })]);
        var missing = documents.Where(d => d.Document is null).Select(d => (JsonNode)d.Service).ToArray();
        if (missing.Length > 0)
        {
            merged["x-unavailable"] = new JsonArray(missing);
        }

        return merged;
    }

    /// <summary>Two services may mean different things by one schema's name; the second gets the service's name with it.</summary>
    private static JsonObject Rename(JsonObject document, JsonObject known, string service)
    {
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (kind, entries) in document["components"] as JsonObject ?? [])
        {
            foreach (var (name, schema) in entries as JsonObject ?? [])
            {
                if (known[kind]?[name] is { } other && !JsonNode.DeepEquals(other, schema))
                {
                    renamed[$"{Prefix}{kind}/{name}"] = $"{Prefix}{kind}/{char.ToUpperInvariant(service[0])}{service[1..]}{name}";
                }
            }
        }

        var copy = document.DeepClone().AsObject();
        if (renamed.Count == 0)
        {
            return copy;
        }

        foreach (var (from, to) in renamed)
        {
            var (kind, name) = (from.Split('/')[2], from.Split('/')[3]);
            var entries = copy["components"]![kind]!.AsObject();
            var schema = entries[name];
            entries.Remove(name);
            entries[to.Split('/')[3]] = schema;
        }

        Redirect(copy, renamed);
        return copy;
    }

    private static void Redirect(JsonNode? node, Dictionary<string, string> renamed)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Redirect(item, renamed);
            }
        }
        else if (node is JsonObject properties)
        {
            if (properties["$ref"] is JsonValue value && value.TryGetValue(out string? reference) && renamed.TryGetValue(reference, out var to))
            {
                properties["$ref"] = to;
            }

            foreach (var (_, child) in properties)
            {
                Redirect(child, renamed);
            }
        }
    }

    /// <summary>/api/v1/memories:batch → ingest; null for what every service has, such as /api/v1/health.</summary>
    private static string? Owner(string path) => Resources.RouteOf(path) is { } route ? Resources.Routes[route] : null;

    private static void Add(JsonObject target, JsonNode? source, Func<string, bool> wanted)
    {
        foreach (var (key, value) in source as JsonObject ?? [])
        {
            if (wanted(key))
            {
                target.TryAdd(key, value?.DeepClone());
            }
        }
    }

    private static JsonObject Sorted(JsonObject properties) =>
        new(properties.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
}
