using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu embeddings …</c>: the models by which memories are found, one space of vectors each.</summary>
internal static class EmbeddingsCommand
{
    private const int UsualLetters = 20;
    private const int MostLetters = 1_000;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("embeddings", "The models by which memories are found, and what waits for them")
        {
            List(verbs),
            Status(verbs),
            AddSpaceCommand.Create(verbs),
            CompareSpacesCommand.Create(verbs),
            ActivateSpaceCommand.Create(verbs),
            IndexSpaceCommand.Create(verbs),
            Drop(verbs),
            Failed(verbs),
            Retry(verbs),
        };
    }

    private static Command List(ServiceVerbs verbs) => verbs.On(
        new Command("list", "List the embedding spaces; searches use the active one"),
        async (call, ct) =>
        {
            var status = await call.Admin.EmbeddingsAsync(ct);
            call.Answer(status.Spaces, () =>
            {
                if (status.Spaces.Count == 0)
                {
                    call.Terminal.Say("there is no embedding space yet: the first memory makes one");
                }
                else
                {
                    EmbeddingView.WriteSpaces(call.Terminal, status.Spaces);
                }
            });
            return ExitCode.Done;
        });

    private static Command Status(ServiceVerbs verbs) => verbs.On(
        new Command("status", "Say how the model does, and what waits for it and why"),
        async (call, ct) =>
        {
            var status = await call.Admin.EmbeddingsAsync(ct);
            call.Answer(status, () =>
            {
                var now = TimeProvider.System.GetUtcNow();
                var lines = EmbeddingView.Provider(status).Concat(status.Spaces.SelectMany(s => EmbeddingView.Queue($"space {SpaceChoice.Describe(s)}", s.Queue, now).Concat(EmbeddingView.Index(s))));
                // While there is no space, what waits is nobody's yet.
                foreach (var line in status.Spaces.Count > 0 ? lines : lines.Concat(EmbeddingView.Queue("queue", status.Queue, now)))
                {
                    call.Terminal.Out.WriteLine(line);
                }
            });
            return ExitCode.Done;
        });

    private static Command Drop(ServiceVerbs verbs)
    {
        var space = SpaceChoice.Argument();
        return verbs.On(
            new Command("drop", "Delete a space that is not active, and free its disk") { space },
            async (call, ct) =>
            {
                var chosen = SpaceChoice.Find(call.Parsed.GetRequiredValue(space), (await call.Admin.EmbeddingsAsync(ct)).Spaces);
                await call.Admin.DropSpaceAsync(chosen.Id, ct);
                call.Answer(new { dropped = chosen.Id, chosen.Model, chosen.Bytes }, () => call.Terminal.Say($"dropped the space {SpaceChoice.Describe(chosen)}, {EmbeddingView.Size(chosen.Bytes)}"));
                return ExitCode.Done;
            });
    }

    private static Command Failed(ServiceVerbs verbs)
    {
        var limit = WholeNumber.Option("--limit", 1, MostLetters, $"Most memories listed; default {UsualLetters}");
        return verbs.On(
            new Command("failed", "List the memories that could not be embedded, the latest first, each with its reason") { limit },
            async (call, ct) =>
            {
                var page = await call.Admin.DeadLettersAsync(call.Parsed.GetValue(limit) ?? UsualLetters, ct: ct);
                call.Answer(page, () =>
                {
                    if (page.Items.Count == 0)
                    {
                        call.Terminal.Say("no memory has failed");
                        return;
                    }

                    call.Terminal.Table(["memory", "space", "attempts", "reason", "error", "when"], page.Items.Select(l => new[]
                    {
                        l.MemoryId.ToString(), l.SpaceId.ToString(CultureInfo.InvariantCulture), l.Attempts.ToString(CultureInfo.InvariantCulture), l.Reason ?? "", EmbeddingView.Cut(l.Error ?? ""), WireTime.Format(l.FailedAt),
                    }));
                    if (page.NextCursor is not null)
                    {
                        call.Terminal.Say("there are more: --limit");
                    }
                });
                return ExitCode.Done;
            });
    }

    private static Command Retry(ServiceVerbs verbs)
    {
        var ids = UniqueId.Arguments("ID", "Memories to try again; none given: all that failed");
        return verbs.On(
            new Command("retry", "Put memories that could not be embedded back into the queue") { ids },
            async (call, ct) =>
            {
                var given = call.Parsed.GetValue(ids);
                var result = await call.Admin.RetryDeadLettersAsync(given is { Length: > 0 } ? given : null, ct);
                call.Answer(result, () => call.Terminal.Say($"back in the queue: {EmbeddingView.Memories(result.Requeued)}"));
                call.SayWhoGoesOn();
                return ExitCode.Done;
            });
    }
}
