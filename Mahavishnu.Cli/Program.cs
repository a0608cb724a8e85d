using Mahavishnu.Cli;

using var ending = new Ending();
return await CommandLine.RunAsync(args, new Terminal(Console.Out, Console.Error), ending.Token);
