using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu project depend …</c>.</summary>
internal static class DependencyCommand
{
    public static Command Create(ServiceVerbs verbs) => new("depend", "What one project is to another") { List(verbs), Add(verbs), Remove(verbs) };

    private static Command List(ServiceVerbs verbs)
    {
        var project = new Option<string?>("--project") { Description = "Only those of this project", HelpName = "P" };
        var direction = new Option<string?>("--direction") { Description = "With --project: outbound (it depends), inbound (on it), both (default)", HelpName = "D" };
        direction.AcceptOnly(DependencyDirections.All);
        var kind = new Option<string?>("--kind") { Description = "Only those of this kind", HelpName = "K" };
        var limit = ProjectCommand.Limit();
        return verbs.On(
            new Command("list", "List dependencies") { project, direction, kind, limit },
            async (call, ct) =>
            {
                var all = await ProjectCommand.AllAsync(call, limit, (most, cursor) => new ProjectsClient(call.Http).ListDependenciesAsync(
                    call.Parsed.GetValue(project), call.Parsed.GetValue(direction), call.Parsed.GetValue(kind), most, cursor, ct));
                call.Answer(new Page<ProjectDependency>(all, null), () => Write(all, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Add(ServiceVerbs verbs)
    {
        var source = new Argument<string>("SOURCE") { Description = "The project that depends" };
        var target = new Argument<string>("TARGET") { Description = "The project it depends on" };
        var kind = new Option<string?>("--kind") { Description = $"{string.Join(", ", DependencyKinds.All)}, or any other word; default uses", HelpName = "K" };
        var description = new Option<string?>("--description") { Description = "What for", HelpName = "TEXT" };
        return verbs.On(
            new Command("add", "Say that a project depends on another") { source, target, kind, description },
            async (call, ct) =>
            {
                var dependency = await new ProjectsClient(call.Http).AddDependencyAsync(
                    new NewDependency
                    {
                        Source = call.Parsed.GetValue(source),
                        Target = call.Parsed.GetValue(target),
                        Kind = call.Parsed.GetValue(kind),
                        Description = call.Parsed.GetValue(description),
                    },
                    ct);
                call.Answer(dependency, () => Write([dependency], call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Remove(ServiceVerbs verbs)
    {
        var id = new Argument<string>("ID") { Description = "The dependency's id, see `mahavishnu project depend list`" };
        return verbs.On(
            new Command("remove", "Remove a dependency") { id },
            async (call, ct) =>
            {
                await new ProjectsClient(call.Http).DeleteDependencyAsync(call.Parsed.GetRequiredValue(id), ct);
                return ExitCode.Done;
            });
    }

    private static void Write(IReadOnlyList<ProjectDependency> dependencies, Terminal terminal) =>
        terminal.Table(["id", "source", "kind", "target", "for"], dependencies.Select(d => new[] { d.Id, d.Source, d.Kind, d.Target, EmbeddingView.Cut(d.Description) }));
}
