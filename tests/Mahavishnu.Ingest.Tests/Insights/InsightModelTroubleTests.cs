using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The model fails, the process dies, the message goes: no message is lost by it, no insight stored twice, and nobody waits.</summary>
public sealed class InsightModelTroubleTests(PostgresFixture postgres) : InsightModelWorld(postgres)
{
    [Fact]
    public async Task A_model_that_is_away_or_missing_costs_no_attempt_and_is_told_once()
    {
        Ollama.Remove("llama3.2");
        await StartAsync(("Insights:Model:MaxAttempts", "1"));
        await Host.SayAsync("s", Talk.Assistant(Message(1) + "\n" + Marked("Rows are locked in order, because batches deadlock.")));
        await ExpectAsync(1);
        var why = Assert.Single((await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.Reasons.Count > 0, "The reason")).Model.Reasons);
        Assert.Equal((ChatReasons.ModelMissing, 1, 0), (why.Reason, why.Waiting, why.GivenUp));

        await Ollama.StopAsync();
        await Host.SayAsync("t", Talk.Assistant(Message(2)));
        await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.Reasons.Any(r => r.Reason == ChatReasons.ModelAway), "The other reason");
        await Eventually.Async(() => Task.FromResult(Said(LogLevel.Warning).Count() == 2), "Both were said");
        Ollama.Add(StandInModel.Chatting);
        await Ollama.StartAsync();

        await ExpectAsync(3);
        await NothingWaitsAsync();
        Assert.Equal(["llama3.2 cannot read", "llama3.2 cannot read"], Said(LogLevel.Warning).Select(l => l[..20]));
        Assert.Contains("ollama pull llama3.2", Said(LogLevel.Warning).First(), StringComparison.Ordinal);
        Assert.Equal(["llama3.2 reads messages for insights again"], Said(LogLevel.Information));
    }

    [Fact]
    public async Task While_the_model_is_away_messages_wait_so_long_and_no_longer()
    {
        await Ollama.StopAsync();
        await StartAsync();
        await Host.SayAsync("s", Talk.Assistant(Message(1)));
        await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.Reasons.Count > 0, "The reason");

        await Database.ExecuteAsync("UPDATE insight_readings SET enqueued_at = enqueued_at - interval '169 hours'");
        var model = (await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.GivenUp == 1, "The message is given up")).Model;
        Assert.Equal((ChatReasons.ModelAway, 0), (Assert.Single(model.Reasons).Reason, model.Waiting));

        await Ollama.StartAsync();
        Assert.Equal(1, (await SweepAsync(new() { UseModel = true })).ForModel);
        await ExpectAsync(1);
    }

    [Theory]
    [InlineData(StandInAnswer.ServerError, "60")]
    [InlineData(StandInAnswer.NotJson, "60")]
    [InlineData(StandInAnswer.EmptyBody, "60")]
    [InlineData(StandInAnswer.CutHalfway, "60")]
    [InlineData(StandInAnswer.Busy, "60")]
    [InlineData(StandInAnswer.Silence, "0.3")]
    [InlineData(StandInAnswer.SilenceHalfway, "0.3")]
    public async Task After_a_failure_the_messages_are_read_all_the_same_each_once(StandInAnswer answer, string seconds)
    {
        Ollama.Behaviour.AnswerChat(answer, 2);
        await StartAsync(("Insights:Model:TimeoutSeconds", seconds));

        await Host.SayAsync("s", Talk.Assistant(Message(1)), Talk.Assistant(Message(2)));

        await ExpectAsync(2);
        await NothingWaitsAsync();
    }

    [Fact]
    public async Task A_message_that_the_model_stumbles_over_keeps_no_other_from_being_read()
    {
        Ollama.Behaviour.Say = static call => Texts(call).Contains(Message(2)) ? "stumbled" : Answer([.. Texts(call).Select((t, i) => Said(i + 1, t))]);
        await StartAsync(("Insights:Model:MaxAttempts", "3"));

        await Host.SayAsync("s", [.. Enumerable.Range(1, 4).Select(i => Talk.Assistant(Message(i)))]);

        await ExpectAsync(3);
        Assert.Equal((0, 1), ((await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.GivenUp == 1)).Model.Waiting, 1));
        Assert.Equal([4, 1, 1, 1, 1, 1], Ollama.Record.Chats.Select(c => Texts(c).Count));
    }

    [Fact]
    public async Task Whoever_dies_over_a_message_leaves_it_to_the_next_and_nothing_is_stored_twice()
    {
        await StartAsync();
        Ollama.Behaviour.HoldChats();
        await Host.SayAsync("s", Talk.Assistant(Message(1)));
        await Eventually.Async(() => Task.FromResult(Ollama.Record.Chats.Count == 1), "The model is asked");
        // As if the process that asks were gone, and its time over: another takes the message, and both answers come.
        await Database.ExecuteAsync("UPDATE insight_readings SET due_at = now()");
        await using var second = await IngestHost.StartAsync(Database, Settings());
        await Eventually.Async(() => Task.FromResult(Ollama.Record.Chats.Count == 2), "The other asks, too");
        Ollama.Behaviour.Say = static call => Answer(Said(1, Texts(call)[0], s => s["content"] = Content(1) + " " + Guid.NewGuid()));

        Ollama.Behaviour.ReleaseChats();
        await NothingWaitsAsync();

        Assert.Single(await ExpectAsync(1));
        Assert.Equal(1, await Database.ScalarAsync<long>("SELECT count(*) FROM insight_readings WHERE read_at IS NOT NULL AND attempts = 2"));
    }

    [Fact]
    public async Task A_process_that_ends_gives_its_messages_back_at_once()
    {
        await StartAsync();
        Ollama.Behaviour.HoldChats();
        await Host.SayAsync("s", Talk.Assistant(Message(1)));
        await Eventually.Async(() => Task.FromResult(Ollama.Record.Chats.Count == 1), "The model is asked");

        await Host.DisposeAsync();
        Ollama.Behaviour.ReleaseChats();
        Assert.Equal(1, await Database.ScalarAsync<long>("SELECT count(*) FROM insight_readings WHERE claim IS NULL AND attempts = 0 AND due_at <= now()"));
        await StartAsync();

        await ExpectAsync(1);
    }

    [Fact]
    public async Task A_message_that_ends_every_process_is_given_up()
    {
        await StartAsync(("Insights:Model:Name", ""));
        var id = (await Host.SayAsync("s", Talk.Assistant(Message(1)))).Messages[0].Id!.Value;
        await Database.ExecuteAsync($"INSERT INTO insight_readings (message_id, session_id, swept, attempts, claim) VALUES ('{id}', 's', false, 5, '{Guid.NewGuid()}')");
        await Host.DisposeAsync();

        await StartAsync();
        var why = Assert.Single((await Eventually.Async(() => Insights.StatusAsync(Ct), s => s.Model.GivenUp == 1)).Model.Reasons);

        Assert.Equal(ChatReasons.WorkerDied, why.Reason);
        Assert.Empty(Ollama.Record.Chats);
    }

    [Fact]
    public async Task A_message_that_is_deleted_or_erased_while_it_is_read_leaves_nothing_behind()
    {
        await StartAsync();
        Ollama.Behaviour.HoldChats();
        var added = await Host.SayAsync("s", [.. Enumerable.Range(1, 3).Select(i => Talk.Assistant(Message(i)))]);
        await Eventually.Async(() => Task.FromResult(Ollama.Record.Chats.Count == 1), "The model is asked");

        await Host.Memories.DeleteAsync(added.Messages[0].Id!.Value, Ct);
        await Host.Memories.EraseAsync(added.Messages[1].Id!.Value, Ct);
        Ollama.Behaviour.ReleaseChats();
        var left = Assert.Single(await ExpectAsync(1));
        await NothingWaitsAsync();

        Assert.Equal(Content(3), left.Content);
        await Host.Memories.EraseAsync(added.Messages[2].Id!.Value, Ct);
        Assert.Empty((await Insights.ListAsync([], Ct)).Items);
        Assert.Equal(1, await Database.ScalarAsync<long>("SELECT count(*) FROM insight_readings"));
    }

    private IEnumerable<string> Said(LogLevel level) => Host.Log.Lines.Where(l => l.Level == level && l.Category.EndsWith("InsightModelWorker", StringComparison.Ordinal)).Select(l => l.Text);
}
