using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu project …</c>: what there is, and what it has to do with each other.</summary>
internal static class ProjectCommand
{
    private const int MostListed = 10_000;
    private const int UsualList = 100;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("project", "Projects: register them, group them, say what depends on what, look at one")
        {
            List(verbs), Show(verbs), Register(verbs), Remove(verbs), ProjectGroupCommand.Create(verbs), DependencyCommand.Create(verbs),
        };
    }

    public static Option<int?> Limit() => WholeNumber.Option("--limit", 1, MostListed, $"Most of them; default {UsualList.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>As many as were asked for, in as many pages as that takes.</summary>
    /// <param name="ask">From the size of a page and a cursor to the page.</param>
    public static Task<IReadOnlyList<T>> AllAsync<T>(ServiceCall call, Option<int?> limit, Func<int, string?, Task<Page<T>>> ask)
    {
        var most = call.Parsed.GetValue(limit) ?? UsualList;
        return Paging.AllAsync(cursor => ask(Math.Min(most, MemoryLimits.ListLimit), cursor), most);
    }

    private static Command List(ServiceVerbs verbs)
    {
        var limit = Limit();
        return verbs.On(
            new Command("list", "List projects: registered ones and those that memories, groups or dependencies name") { limit },
            async (call, ct) =>
            {
                var projects = await AllAsync(call, limit, (most, cursor) => new ProjectsClient(call.Http).ListAsync(most, cursor, ct));
                call.Answer(new Page<Project>(projects, null), () => call.Terminal.Table(
                    ["project", "", "role", "memories", "last", "groups"],
                    projects.Select(p => new[]
                    {
                        p.Id, p.Registered ? "" : "not registered", p.Role ?? "", p.Memories.ToString("N0", CultureInfo.InvariantCulture),
                        p.LastMemoryAt is { } at ? WireTime.Format(at) : "", string.Join(", ", p.Groups),
                    })));
                return ExitCode.Done;
            });
    }

    private static Command Show(ServiceVerbs verbs)
    {
        var id = Id();
        var weeks = WholeNumber.Option("--weeks", 1, ProjectLimits.Weeks, "How far back; default 12");
        return verbs.On(
            new Command("show", "Print one project: what it is, what went on, what recurs, what it asks in vain") { id, weeks },
            async (call, ct) =>
            {
                var overview = await new ProjectsClient(call.Http).OverviewAsync(call.Parsed.GetRequiredValue(id), call.Parsed.GetValue(weeks), ct);
                call.Answer(overview, () =>
                {
                    Write(overview.Project, call.Terminal.Screen);
                    ProjectOverviewView.Write(overview, call.Terminal.Screen);
                });
                return ExitCode.Done;
            });
    }

    private static Command Register(ServiceVerbs verbs)
    {
        var id = Id();
        var name = new Option<string?>("--name") { Description = "What people call it; default the id", HelpName = "N" };
        var path = new Option<string?>("--path") { Description = "Where it lies", HelpName = "PATH" };
        var role = new Option<string?>("--role") { Description = "What it is among the others, such as library or service", HelpName = "R" };
        var description = new Option<string?>("--description") { Description = "What it is about", HelpName = "TEXT" };
        var tags = new Option<string[]>("--tag") { Description = "A tag; may be repeated", HelpName = "T" };
        return verbs.On(
            new Command("register", "Register a project, or say anew all that there is to say of it") { id, name, path, role, description, tags },
            async (call, ct) =>
            {
                var project = await new ProjectsClient(call.Http).PutAsync(
                    call.Parsed.GetRequiredValue(id),
                    new PutProject
                    {
                        Name = call.Parsed.GetValue(name),
                        Path = call.Parsed.GetValue(path),
                        Role = call.Parsed.GetValue(role),
                        Description = call.Parsed.GetValue(description),
                        Tags = call.Parsed.GetValue(tags),
                    },
                    ct);
                call.Answer(project, () => Write(project, call.Terminal.Screen));
                return ExitCode.Done;
            });
    }

    private static Command Remove(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(
            new Command("remove", "Take a project's registration back; its memories stay") { id },
            async (call, ct) =>
            {
                var removal = await new ProjectsClient(call.Http).DeleteAsync(call.Parsed.GetRequiredValue(id), ct);
                call.Answer(removal, () => call.Terminal.Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{removal.Id}' is no longer registered; under its name stay {removal.Kept.Memories:N0} memories, {removal.Kept.Groups:N0} memberships, {removal.Kept.Dependencies:N0} dependencies and {removal.Kept.Shares:N0} shares")));
                return ExitCode.Done;
            });
    }

    private static Argument<string> Id() => new("ID") { Description = "The project's id, as memories name it" };

    private static void Write(Project p, IAnsiConsole screen)
    {
        foreach (var (name, value) in new[]
        {
            ("project", p.Registered ? p.Id : $"{p.Id} (not registered)"), ("name", p.Name == p.Id ? "" : p.Name), ("path", p.Path ?? ""), ("role", p.Role ?? ""), ("about", p.Description),
            ("tags", string.Join(", ", p.Tags)), ("groups", string.Join(", ", p.Groups)), ("memories", p.Memories.ToString("N0", CultureInfo.InvariantCulture)),
            ("last", p.LastMemoryAt is { } at ? WireTime.Format(at) : ""),
        })
        {
            if (value.Length > 0)
            {
                screen.Write(new Text($"{name,-9} {value}\n"));
            }
        }
    }
}
