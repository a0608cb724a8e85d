namespace Mahavishnu.Migration;

/// <summary>Makes what stands beside the memories of groups, dependencies and links.</summary>
internal sealed class CarriedRows(SourceClock clock, SourceOptions options)
{
    public SourceRow Group(RawRow row)
    {
        if (SourceText.Name(row.Text("name")) is not { } name)
        {
            return new RejectedRow(row.Number, "The group's name is blank.", row.ToJson());
        }

        var given = row.List("projects");
        var projects = given.Select(SourceText.Project).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        var metadata = Metadata(row, "id", "name", "description", "projects");
        metadata.Add("projects", projects.SequenceEqual(given, StringComparer.Ordinal) ? null : given);
        var (created, document) = Finish(row, metadata);
        return new GroupRow(row.Number, Id(row), name, Text(row, "description"), projects, document, created);
    }

    public SourceRow Dependency(RawRow row)
    {
        var (source, target) = (SourceText.Name(row.Text("source_project")), SourceText.Name(row.Text("target_project")));
        if (source is null || target is null)
        {
            return new RejectedRow(row.Number, "A project of the dependency is blank.", row.ToJson());
        }

        var metadata = Metadata(row, "id", "source_project", "target_project", "dependency_type", "description");
        var (from, to) = (SourceText.Project(source)!, SourceText.Project(target)!);
        metadata.Add("source_project", from == source ? null : source).Add("target_project", to == target ? null : target);
        var (created, document) = Finish(row, metadata);
        return new DependencyRow(row.Number, Id(row), from, to, SourceText.Name(row.Text("dependency_type")) ?? "uses", Text(row, "description"), document, created);
    }

    public SourceRow SessionLink(RawRow row)
    {
        var (source, target) = (SourceText.Name(row.Text("source_session_id")), SourceText.Name(row.Text("target_session_id")));
        if (source is null || target is null)
        {
            return new RejectedRow(row.Number, "A session of the link is blank.", row.ToJson());
        }

        var (created, document) = Finish(row, Metadata(row, "id", "source_session_id", "target_session_id", "link_type", "context"));
        return new SessionLinkRow(row.Number, Id(row), source, target, SourceText.Name(row.Text("link_type")) ?? "related", Text(row, "context"), document, created);
    }

    public SourceRow CausalLink(RawRow row)
    {
        var (cause, effect) = (SourceText.Name(row.Text("from_id")), SourceText.Name(row.Text("to_id")));
        if (cause is null || effect is null)
        {
            return new RejectedRow(row.Number, "An end of the link is blank.", row.ToJson());
        }

        var evidence = row["evidence"] is JsonNumber number ? double.Parse(number.Text, System.Globalization.CultureInfo.InvariantCulture) : (double?)null;
        var (created, document) = Finish(row, Metadata(row, "id", "from_id", "to_id", "link_type", "evidence"));
        return new CausalLinkRow(row.Number, Id(row), cause, effect, SourceText.Name(row.Text("link_type")) ?? "led_to", evidence, document, created);
    }

    /// <summary>A tag or an access count: with its text, or without one.</summary>
    public static SourceRow Joined(RawRow row, IReadOnlySet<string> texts) =>
        row.Text("reflection_id") is not { } id ? new RejectedRow(row.Number, "It names no text.", row.ToJson())
        : texts.Contains(id) ? new JoinedRow(row.Number)
        : new RejectedRow(row.Number, $"No text of the file has the id \"{SourceText.Clean(id)}\".", row.ToJson());

    /// <summary>The metadata of the row, with the columns that are not named.</summary>
    private SourceMetadata Metadata(RawRow row, params IReadOnlyCollection<string> placed)
    {
        var metadata = new SourceMetadata(row.Text("metadata") is "{}" ? null : row.Text("metadata"));
        foreach (var column in row.Columns.Where(c => !placed.Contains(c.Name, StringComparer.OrdinalIgnoreCase) && c.Name.ToLowerInvariant() is not ("metadata" or "created_at")))
        {
            metadata.Add(column.Name, row[column.Name] is Moment or OddTime ? row.Time(column.Name, clock) : row[column.Name]);
        }

        return metadata;
    }

    private (DateTimeOffset Created, string Metadata) Finish(RawRow row, SourceMetadata metadata)
    {
        var time = row.Time("created_at", clock);
        return (time.Utc ?? options.ImportedAt, metadata.Add("created_at_raw", time.Raw).BuildWhole());
    }

    private static string Text(RawRow row, string column) => SourceText.Clean(row.Text(column) ?? "");

    /// <summary>The source's id; for a row without one, its place, so that a second import finds it again.</summary>
    private static string Id(RawRow row) => SourceText.Name(row.Text("id")) ?? $"row:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(row.ToJson())).AsSpan(0, 16))}";
}
