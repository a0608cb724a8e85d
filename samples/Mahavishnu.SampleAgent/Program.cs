using System.CommandLine;
using Mahavishnu.Client;
using Mahavishnu.SampleAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OllamaSharp;

// An agent on the console that remembers: what was said in one session is known in the next.
//   dotnet run --project samples/Mahavishnu.SampleAgent -- --project-id shop          (Ollama on this machine)
//   dotnet run --project samples/Mahavishnu.SampleAgent -- --echo                     (no model at all)
var url = Address("--url", "Where Mahavishnu is", "http://127.0.0.1:8686");
var project = new Option<string?>("--project-id") { Description = "The project that is talked about" };
var echo = new Option<bool>("--echo") { Description = "No model: the answer says what was asked and what was recalled" };
var ollama = Address("--ollama", "Where Ollama is", "http://127.0.0.1:11434");
var model = new Option<string>("--model") { Description = "A model that it has", DefaultValueFactory = _ => "llama3.2" };
var command = new RootCommand("Talk to an agent that remembers; an empty line ends it") { url, project, echo, ollama, model };
command.SetAction(async (parsed, ct) =>
{
    var services = new ServiceCollection();
    services.AddLogging(logging => logging.AddProvider(new StandardError()));
    services.AddMahavishnuClient(client =>
    {
        client.Address = parsed.GetRequiredValue(url);
        client.ApiKey = Environment.GetEnvironmentVariable("MAHAVISHNU_API_KEY");
    });
    services.Configure<ChatMemoryOptions>(memory =>
    {
        memory.ProjectId = parsed.GetValue(project);
        memory.AgentId = "sample-agent";
    });
    await using var provider = services.BuildServiceProvider();

    using var talker = await TalkerAsync(parsed, ct);
    using var chat = talker.WithMemory(provider.GetRequiredService<ChatMemory>());
    var messages = new List<ChatMessage> { new(ChatRole.System, "You help a developer. Answer in a sentence or two.") };
    while (await Console.In.ReadLineAsync(ct) is { Length: > 0 } line)
    {
        messages.Add(new ChatMessage(ChatRole.User, line));
        var answer = await chat.GetResponseAsync(messages, cancellationToken: ct);
        messages.AddRange(answer.Messages);
        Console.WriteLine(answer.Text);
    }
});
return await command.Parse(args).InvokeAsync();

static Option<Uri> Address(string name, string description, string usual) => new(name)
{
    Description = description,
    DefaultValueFactory = _ => new Uri(usual),
    CustomParser = result =>
    {
        if (!Uri.TryCreate(result.Tokens.Single().Value, UriKind.Absolute, out var address))
        {
            result.AddError($"{name} takes an address such as {usual}.");
        }

        return address;
    },
};

async Task<IChatClient> TalkerAsync(ParseResult parsed, CancellationToken ct)
{
    if (!parsed.GetValue(echo))
    {
        var client = new OllamaApiClient(parsed.GetRequiredValue(ollama), parsed.GetRequiredValue(model));
        try
        {
            if (await client.IsRunningAsync(ct))
            {
                await Console.Error.WriteLineAsync($"{parsed.GetRequiredValue(model)} of Ollama at {parsed.GetRequiredValue(ollama)} answers");
                return client;
            }
        }
        catch (HttpRequestException)
        {
            // Said below.
        }

        client.Dispose();
        await Console.Error.WriteLineAsync($"no Ollama answers at {parsed.GetRequiredValue(ollama)}");
    }

    await Console.Error.WriteLineAsync("no model: answers only say what was asked and what was recalled");
    return new EchoChatClient();
}
