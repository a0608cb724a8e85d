using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu project group …</c>.</summary>
internal static class ProjectGroupCommand
{
    public static Command Create(ServiceVerbs verbs) =>
        new("group", "Groups of projects: each member finds what the others know") { List(verbs), Set(verbs), Add(verbs), Drop(verbs), Remove(verbs) };

    private static Command List(ServiceVerbs verbs)
    {
        var project = new Option<string?>("--project") { Description = "Only groups with this project", HelpName = "P" };
        var limit = ProjectCommand.Limit();
        return verbs.On(
            new Command("list", "List groups and who is in them") { project, limit },
            async (call, ct) =>
            {
                var groups = await ProjectCommand.AllAsync(
                    call, limit, (most, cursor) => new ProjectsClient(call.Http).ListGroupsAsync(call.Parsed.GetValue(project), most, cursor, ct));
                call.Answer(new Page<ProjectGroup>(groups, null), () => Write(groups, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Set(ServiceVerbs verbs)
    {
        var (group, members) = (Group(), Projects(ArgumentArity.ZeroOrMore));
        var name = new Option<string?>("--name") { Description = "What people call it; default the id", HelpName = "N" };
        var description = new Option<string?>("--description") { Description = "What it is about", HelpName = "TEXT" };
        return verbs.On(
            new Command("set", "Make a group, or say anew what it is and who is in it") { group, members, name, description },
            async (call, ct) =>
            {
                var stored = await new ProjectsClient(call.Http).PutGroupAsync(
                    call.Parsed.GetRequiredValue(group),
                    new PutProjectGroup { Name = call.Parsed.GetValue(name), Description = call.Parsed.GetValue(description), Members = call.Parsed.GetValue(members) },
                    ct);
                call.Answer(stored, () => Write([stored], call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Add(ServiceVerbs verbs)
    {
        var (group, members) = (Group(), Projects(ArgumentArity.OneOrMore));
        return verbs.On(
            new Command("add", "Take projects into a group") { group, members },
            async (call, ct) =>
            {
                ProjectGroup? stored = null;
                foreach (var project in call.Parsed.GetRequiredValue(members))
                {
                    stored = await new ProjectsClient(call.Http).AddMemberAsync(call.Parsed.GetRequiredValue(group), project, ct);
                }

                call.Answer(stored!, () => Write([stored!], call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Drop(ServiceVerbs verbs)
    {
        var (group, members) = (Group(), Projects(ArgumentArity.OneOrMore));
        return verbs.On(
            new Command("drop", "Take projects out of a group") { group, members },
            async (call, ct) =>
            {
                foreach (var project in call.Parsed.GetRequiredValue(members))
                {
                    await new ProjectsClient(call.Http).RemoveMemberAsync(call.Parsed.GetRequiredValue(group), project, ct);
                }

                var left = await new ProjectsClient(call.Http).GetGroupAsync(call.Parsed.GetRequiredValue(group), ct);
                call.Answer(left, () => Write([left], call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Remove(ServiceVerbs verbs)
    {
        var group = Group();
        return verbs.On(
            new Command("remove", "Remove a group; what was shared with it is withdrawn") { group },
            async (call, ct) =>
            {
                await new ProjectsClient(call.Http).DeleteGroupAsync(call.Parsed.GetRequiredValue(group), ct);
                return ExitCode.Done;
            });
    }

    private static Argument<string> Group() => new("GROUP") { Description = "The group's id" };

    private static Argument<string[]> Projects(ArgumentArity arity) => new("PROJECT") { Description = "Projects, registered or not", Arity = arity };

    private static void Write(IReadOnlyList<ProjectGroup> groups, Terminal terminal) =>
        terminal.Table(["group", "name", "members"], groups.Select(g => new[] { g.Id, g.Name, string.Join(", ", g.Members) }));
}
