using Mahavishnu.Benchmarks;

// dotnet run -c Release --project benchmarks/Mahavishnu.Benchmarks -- NAME [--json] [--chunks N]
return await BenchmarkProgram.RunAsync(args, [new IngestBenchmark(), new BatchBenchmark()]);
