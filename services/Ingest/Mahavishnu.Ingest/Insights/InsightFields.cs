using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>An insight as a memory and back. Its own fields are entries of the metadata, under the names that imported insights have: one filter finds both.</summary>
internal static class InsightFields
{
    /// <summary>In the provenance: the message.</summary>
    public const string ExtractedFrom = "extractedFrom";

    public const string Type = "insight_type";
    public const string Topics = "topics";
    public const string Confidence = "confidence_score";
    public const string Quality = "quality_score";

    // Of those that a language model read: so that a search can leave them out, or look for them alone.
    private const string Extractor = "extractor";
    private const string ExtractorModel = "extractor_model";

    public static JsonObject Metadata(FoundInsight insight)
    {
        var metadata = Metadata(insight.Score);
        if (insight.ReadBy is { } reader)
        {
            (metadata[Extractor], metadata[ExtractorModel]) = (InsightExtractors.Model, reader.Model);
        }

        return metadata;
    }

    public static JsonObject Metadata(InsightScore score) => new()
    {
        [Type] = score.Type,
        [Topics] = new JsonArray([.. score.Topics.Select(t => (JsonNode)t)]),
        [Confidence] = score.Confidence,
        [Quality] = score.Quality,
    };

    /// <summary>Where an extracted insight stood, and who found it there.</summary>
    public static JsonObject Provenance(SaidMessage message, FoundInsight insight)
    {
        var origin = new JsonObject
        {
            ["extractor"] = insight.ReadBy is null ? InsightExtractors.Marker : InsightExtractors.Model,
            ["sessionId"] = message.SessionId,
            ["messageId"] = message.Id.ToString(),
            ["confidence"] = insight.Score.Confidence,
            ["quality"] = insight.Score.Quality,
        };
        if (insight.ReadBy is { } reader)
        {
            (origin["model"], origin["quote"]) = (reader.Model, reader.Quote);
        }

        return new JsonObject { [ExtractedFrom] = origin };
    }

    /// <returns>Null when something is wrong; <paramref name="errors"/> says what.</returns>
    public static MemoryDraft? Read(NewInsight insight, DateTimeOffset now, FieldErrors errors)
    {
        var id = MemoryFields.Id(insight.Id, errors);
        var content = MemoryFields.Content(insight.Content, errors);
        if (content.Length > InsightLimits.MostContent)
        {
            errors.Add("content", string.Create(CultureInfo.InvariantCulture, $"The value has {content.Length:N0} characters; at most {InsightLimits.MostContent:N0} are allowed."));
        }

        var rules = InsightRules.Score(content);
        var score = new InsightScore(
            OfType(insight.InsightType, errors) ?? rules.Type, ReadTopics(insight.Topics, errors) ?? rules.Topics,
            Share("confidence", insight.Confidence, errors) ?? rules.Confidence, Share("quality", insight.Quality, errors) ?? rules.Quality);
        var own = Metadata(score);
        var draft = new MemoryDraft
        {
            Id = id ?? Guid.CreateVersion7(now),
            IdGiven = id is not null,
            Type = MemoryTypes.Insight,
            Source = MemoryFields.Name("source", insight.Source, errors) ?? MemoryInput.DefaultSource,
            Title = MemoryFields.Name("title", insight.Title, errors),
            Content = content,
            Tags = MemoryFields.Tags(insight.Tags, errors),
            ProjectId = MemoryFields.Name("projectId", insight.ProjectId, errors),
            AgentId = MemoryFields.Name("agentId", insight.AgentId, errors),
            WorkflowId = MemoryFields.Name("workflowId", insight.WorkflowId, errors),
            SessionId = MemoryFields.Name("sessionId", insight.SessionId, errors),
            Metadata = OwnMetadata.Add(MemoryFields.Metadata(insight.Metadata, errors), errors, [.. own.Select(e => (e.Key, e.Value?.DeepClone()))]),
            OccurredAt = MemoryFields.Time("occurredAt", insight.OccurredAt, errors) ?? now,
            ExpiresAt = MemoryFields.Time("expiresAt", insight.ExpiresAt, errors),
            Supersedes = MemoryFields.Id(insight.Supersedes, errors, "supersedes"),
        };
        return errors.Any ? null : draft with { DedupeKey = DedupeKeys.ForMemory(draft.Type, draft.ProjectId, draft.ContentHash) };
    }

    public static string? OfType(string? given, FieldErrors errors)
    {
        if (given is not null && !InsightTypes.All.Contains(given, StringComparer.Ordinal))
        {
            errors.Add("insightType", $"The value must be one of {string.Join(", ", InsightTypes.All)}.");
        }

        return given;
    }

    public static string? OfExtractor(string? given, FieldErrors errors)
    {
        if (given is not null && !InsightExtractors.All.Contains(given, StringComparer.Ordinal))
        {
            errors.Add("extractor", $"The value must be one of {string.Join(", ", InsightExtractors.All)}.");
        }

        return given;
    }

    public static double? Share(string field, double? given, FieldErrors errors)
    {
        if (given is not (null or (>= 0 and <= 1)))
        {
            errors.Add(field, "The value must be between 0 and 1.");
        }

        return given;
    }

    /// <summary>A memory of type insight, read as one.</summary>
    public static Insight Of(Memory memory, long found, long read, DateTimeOffset? usedAt)
    {
        var imported = Number(memory, "usage_count") + Number(memory, "access_count");
        DateTimeOffset?[] times = [usedAt, Moment(memory, "last_used_at"), Moment(memory, "last_accessed")];
        return new Insight
        {
            Id = memory.Id,
            Title = memory.Title,
            Content = memory.Content,
            InsightType = Entry(memory, Type) is { ValueKind: JsonValueKind.String } type && InsightTypes.All.Contains(type.GetString(), StringComparer.Ordinal) ? type.GetString() : null,
            Topics = Entry(memory, Topics) is { ValueKind: JsonValueKind.Array } topics ? [.. topics.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!)] : [],
            Tags = memory.Tags,
            ProjectId = memory.ProjectId,
            AgentId = memory.AgentId,
            WorkflowId = memory.WorkflowId,
            SessionId = memory.SessionId,
            Source = memory.Source,
            Confidence = Score(memory, Confidence),
            Quality = Score(memory, Quality),
            Metadata = memory.Metadata,
            ExtractedFrom = memory.Provenance is { ValueKind: JsonValueKind.Object } provenance && provenance.TryGetProperty(ExtractedFrom, out var origin)
                ? origin.Deserialize<InsightOrigin>(WireJson.Lenient)
                : null,
            Usage = new InsightUsage(found, read, imported, times.Max()),
            OccurredAt = memory.OccurredAt,
            CreatedAt = memory.CreatedAt,
            Version = memory.Version,
            SupersededBy = memory.SupersededBy,
            Embedding = memory.Embedding,
        };
    }

    private static IReadOnlyList<string>? ReadTopics(IReadOnlyList<string?>? given, FieldErrors errors)
    {
        if (given is null)
        {
            return null;
        }

        if (given.Count > InsightLimits.Topics)
        {
            errors.Add("topics", string.Create(CultureInfo.InvariantCulture, $"There are {given.Count:N0} topics; at most {InsightLimits.Topics} are allowed."));
            return [];
        }

        var topics = new List<string>(given.Count);
        for (var i = 0; i < given.Count; i++)
        {
            var topic = TextSanitizer.Clean(given[i] ?? "");
            if (string.IsNullOrWhiteSpace(topic) || topic.Length > InsightLimits.TopicLength)
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"topics[{i}]"), $"A topic has 1 to {InsightLimits.TopicLength} characters, and not blank ones alone.");
            }
            else if (!topics.Contains(topic, StringComparer.Ordinal))
            {
                topics.Add(topic);
            }
        }

        return topics;
    }

    // What an import brought may be anything.
    private static JsonElement? Entry(Memory memory, string name) =>
        memory.Metadata.ValueKind == JsonValueKind.Object && memory.Metadata.TryGetProperty(name, out var entry) ? entry : null;

    private static double? Score(Memory memory, string name) =>
        Entry(memory, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var score) && score is >= 0 and <= 1 ? score : null;

    private static long Number(Memory memory, string name) =>
        Entry(memory, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var count) && count is >= 0 and < int.MaxValue ? count : 0;

    private static DateTimeOffset? Moment(Memory memory, string name) =>
        Entry(memory, name) is { ValueKind: JsonValueKind.String } text && WireTime.TryParse(text.GetString(), out var time) ? time : null;
}
