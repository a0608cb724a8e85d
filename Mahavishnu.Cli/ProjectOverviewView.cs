using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>A project's overview in lines.</summary>
internal static class ProjectOverviewView
{
    public static void Write(ProjectOverview overview, IAnsiConsole screen)
    {
        Line(screen, "changed", overview.Activity.LastChangeAt is { } at ? WireTime.Format(at) : "never");
        Line(screen, "sessions", Number(overview.Activity.Sessions));
        Lines(screen, "week", overview.Activity.Weeks.Select(w =>
            $"{w.Week.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}  {string.Join(", ", w.Types.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{Number(t.Value)} {t.Key}"))}"));
        Lines(screen, "agent", overview.Activity.Agents.Select(a => $"{a.AgentId}  {Number(a.Memories)}, last {WireTime.Format(a.LastAt)}"));
        Lines(screen, "tag", overview.Patterns.Tags.Select(t => $"{t.Tag}  {Number(t.Memories)}"));
        Lines(screen, "failed", overview.Patterns.FailedWorkflows.Select(w => $"{w.WorkflowId}  {Number(w.Failed)} of {Number(w.Runs)}: {EmbeddingView.Cut(w.LastError ?? "")}"));
        Lines(screen, "used", overview.Patterns.UsedInsights.Select(i => $"{i.Id}  found {Number(i.Found)}, read {Number(i.Read)}: {EmbeddingView.Cut(i.Title)}"));
        Lines(screen, "shared", overview.Patterns.SharedInsights.Select(i => $"{i.Id}  {Number(i.Shares)}: {EmbeddingView.Cut(i.Title)}"));
        Lines(screen, "gap", overview.Gaps.Select(g => string.Create(
            CultureInfo.InvariantCulture, $"{EmbeddingView.Cut(g.Question)}  asked {g.Asked:N0}, nothing found {g.Unanswered:N0}{(g.BestSimilarity is { } s ? $", best similarity {s:0.000}" : "")}")));
    }

    private static void Lines(IAnsiConsole screen, string name, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            Line(screen, name, line);
        }
    }

    private static void Line(IAnsiConsole screen, string name, string value) => screen.Write(new Text($"{name,-9} {value}\n"));

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
