using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>Imports as tables and sentences.</summary>
internal static class ImportView
{
    private const int LongestRaw = 200;

    public static void Write(ImportReport report, Terminal terminal)
    {
        var screen = terminal.Screen;
        foreach (var file in report.Files)
        {
            Line(screen, $"{file.Path}{(file.Generation.Count > 0 ? $"  ({string.Join(", ", file.Generation)}; times of {file.TimeZone})" : "")}");
            if (file.Tables.Count > 0 || file.Graph is not null)
            {
                terminal.Table(["", "read", "imported", "duplicate", "rejected"], Rows(file));
            }

            if (file.Carried.Count > 0)
            {
                Line(screen, "  carried over: " + string.Join(", ", file.Carried.Select(c => $"{c.Key} {EmbeddingView.Number(c.Value)}")));
            }

            foreach (var skipped in file.Skipped)
            {
                Line(screen, $"  skipped {(skipped.Table == "*" ? "the file" : skipped.Table)}: {skipped.Reason}");
            }
        }

        var total = report.Total;
        Line(screen, string.Create(CultureInfo.InvariantCulture,
            $"{(report.ImportId is null ? "would be imported" : "imported")}: {total.Imported:N0} of {total.Read:N0} rows; {total.Duplicate:N0} duplicates, {total.Rejected:N0} rejected; {report.Seconds:0.0} s{Rate(report)}"));
        if (report.Verification is { } verification)
        {
            Line(screen, $"verified: {EmbeddingView.Number(verification.AccountedFor)} of {EmbeddingView.Number(verification.Rows)} accounted for");
            foreach (var difference in verification.Differences)
            {
                Line(screen, "  " + difference);
            }
        }

        if (report.PendingEmbeddings > 0)
        {
            Line(screen, $"pending embeddings: {EmbeddingView.Number(report.PendingEmbeddings)} (found by words already)");
        }

        if (report.ImportId is { } id)
        {
            Line(screen, $"import {id}{(total.Rejected > 0 ? $"; `mahavishnu import rejects {id}` lists what was rejected" : "")}");
        }
    }

    public static void Write(Import import, Terminal terminal)
    {
        Line(terminal.Screen, $"{import.Status}, started {WireTime.Format(import.StartedAt)}{(import.FinishedAt is { } at ? $", ended {WireTime.Format(at)}" : "")}");
        Write((ImportReport)import, terminal);
    }

    public static void Write(IReadOnlyList<ImportSummary> imports, Terminal terminal)
    {
        if (imports.Count == 0)
        {
            terminal.Say("nothing has been imported");
            return;
        }

        terminal.Table(["import", "status", "started", "imported", "duplicate", "rejected", "paths"], imports.Select(i => new[]
        {
            i.ImportId.ToString(), i.Status, WireTime.Format(i.StartedAt), EmbeddingView.Number(i.Total.Imported), EmbeddingView.Number(i.Total.Duplicate), EmbeddingView.Number(i.Total.Rejected), string.Join(", ", i.Paths),
        }));
    }

    public static void Write(IReadOnlyList<ImportReject> rejects, Terminal terminal)
    {
        if (rejects.Count == 0)
        {
            terminal.Say("nothing was rejected");
            return;
        }

        foreach (var reject in rejects)
        {
            var raw = reject.Raw.GetRawText();
            Line(terminal.Screen, string.Create(CultureInfo.InvariantCulture, $"{reject.File}: {reject.Table}, row {reject.Row}: {reject.Reason}"));
            Line(terminal.Screen, "  " + (raw.Length > LongestRaw ? raw[..LongestRaw] + "…" : raw));
        }
    }

    private static IEnumerable<string[]> Rows(ImportedFile file)
    {
        foreach (var table in file.Tables)
        {
            yield return Row(table.Name, new ImportCounts(table.Read, table.Imported, table.Duplicate, table.Rejected));
        }

        if (file.Graph is { } graph)
        {
            yield return Row("graph: entities", graph.Entities);
            yield return Row("graph: edges", graph.Edges);
            yield return Row("graph: edges as sentences", graph.Sentences);
        }
    }

    private static string[] Row(string name, ImportCounts counts) => [name, EmbeddingView.Number(counts.Read), EmbeddingView.Number(counts.Imported), EmbeddingView.Number(counts.Duplicate), EmbeddingView.Number(counts.Rejected)];

    private static string Rate(ImportReport report) =>
        report.Seconds >= 0.1 ? string.Create(CultureInfo.InvariantCulture, $", {report.Total.Read / report.Seconds:N0} rows/s") : "";

    private static void Line(IAnsiConsole screen, string text) => screen.Write(new Text(text + "\n"));
}
