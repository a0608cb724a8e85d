using System.Diagnostics;
using YamlDotNet.Serialization;

namespace Mahavishnu.Architecture.Tests;

/// <summary><c>azure.yaml</c> points at what is there, and its hook upgrades the schema or says why not. In Azure's place stands a script that writes down what it is asked.</summary>
public sealed class AzureTests : IDisposable
{
    private const string Hook = "infra/azure/migrate.sh";
    private readonly string _folder = Directory.CreateTempSubdirectory("mahavishnu-azure-").FullName;

    private string Calls => File.Exists(Path.Combine(_folder, "calls")) ? File.ReadAllText(Path.Combine(_folder, "calls")) : "";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_file_names_the_AppHost_and_a_hook_that_are_there()
    {
        var file = new DeserializerBuilder().IgnoreUnmatchedProperties().Build().Deserialize<AzureFile>(House.Text("azure.yaml"));

        var service = Assert.Single(file.Services).Value;
        Assert.Equal(("dotnet", "containerapp"), (service.Language, service.Host));
        Assert.True(File.Exists(Path.Combine(House.Root, service.Project)), service.Project);
        Assert.Equal(("postdeploy", Hook), (Assert.Single(file.Hooks).Key, file.Hooks.Values.Single().Run));
        Assert.True(File.Exists(Path.Combine(House.Root, Hook)));
        // What the hook starts is what the AppHost calls it.
        Assert.Contains("""("migrate")""", House.Text("Mahavishnu.AppHost/AppHost.cs"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Succeeded", 0, "the schema is as the services need it")]
    [InlineData("Failed", 1, "migrate-1 has Failed; az containerapp job logs show")]
    [InlineData("Running", 1, "migrate-1 is still Running; the services are not ready until it has Succeeded")]
    public async Task The_job_is_started_and_waited_for(string status, int code, string says)
    {
        Pretend(status);

        var run = await RunAsync([], ("AZURE_ENV_NAME", "memories"));

        Assert.Equal(code, run.Code);
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("containerapp job start --name migrate --resource-group rg-memories ", Calls, StringComparison.Ordinal);
        Assert.Contains("containerapp job execution show --name migrate --resource-group rg-memories --job-execution-name migrate-1 ", Calls, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mine", "rg-given", "mine")]
    [InlineData(null, "rg-given", "rg-given")]
    public async Task A_group_that_is_named_is_used(string? argument, string given, string group)
    {
        Pretend("Succeeded");

        var run = await RunAsync(argument is null ? [] : [argument], ("AZURE_RESOURCE_GROUP", given), ("AZURE_ENV_NAME", "memories"));

        Assert.Equal(0, run.Code);
        Assert.Contains($"--resource-group {group} ", Calls, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_group_it_says_how_to_name_one_and_asks_nobody()
    {
        Pretend("Succeeded");

        var run = await RunAsync([]);

        Assert.Equal((2, ""), (run.Code, Calls));
        Assert.Contains("migrate.sh [GROUP]", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_Azures_command_line_it_says_that_nothing_was_upgraded()
    {
        var run = await RunAsync(["mine"]);

        Assert.Equal(3, run.Code);
        Assert.Contains("the Azure CLI (az) is needed; the schema was not upgraded", run.Error, StringComparison.Ordinal);
    }

    private void Pretend(string status)
    {
        var az = Path.Combine(_folder, "az");
        File.WriteAllText(az, $"""
            #!/bin/sh
            echo "$*" >> '{_folder}/calls'
            case "$*" in *" job start "*) echo migrate-1 ;; *) echo {status} ;; esac
            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(az, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private async Task<(int Code, string Error)> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no /bin/sh here.");
        var start = new ProcessStartInfo("/bin/sh", [Path.Combine(House.Root, Hook), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var name in (string[])["AZURE_RESOURCE_GROUP", "AZURE_ENV_NAME"])
        {
            start.Environment.Remove(name);
        }

        // Nothing of this machine's but the usual tools; nobody waits.
        start.Environment["PATH"] = $"{_folder}:{Tools()}";
        start.Environment["MIGRATE_SECONDS"] = "0";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await output;
        return (process.ExitCode, await errors);
    }

    /// <summary>A folder with the tools that the script calls and without an <c>az</c> that this machine may have.</summary>
    private string Tools()
    {
        var tools = Directory.CreateDirectory(Path.Combine(_folder, "tools")).FullName;
        foreach (var tool in (string[])["sed", "sleep"])
        {
            var found = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(p => Path.Combine(p, tool)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(tools, tool), found);
        }

        return tools;
    }

    private sealed class AzureFile
    {
        [YamlMember(Alias = "services")] public Dictionary<string, AzureService> Services { get; set; } = [];
        [YamlMember(Alias = "hooks")] public Dictionary<string, AzureHook> Hooks { get; set; } = [];
    }

    private sealed class AzureService
    {
        [YamlMember(Alias = "language")] public string Language { get; set; } = "";
        [YamlMember(Alias = "project")] public string Project { get; set; } = "";
        [YamlMember(Alias = "host")] public string Host { get; set; } = "";
    }

    private sealed class AzureHook
    {
        [YamlMember(Alias = "run")] public string Run { get; set; } = "";
    }
}
