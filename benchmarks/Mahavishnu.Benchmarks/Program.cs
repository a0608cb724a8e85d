using Mahavishnu.Benchmarks;

// dotnet run -c Release --project benchmarks/Mahavishnu.Benchmarks -- NAME [--json] [--OPTION N]…
return await BenchmarkProgram.RunAsync(args);
