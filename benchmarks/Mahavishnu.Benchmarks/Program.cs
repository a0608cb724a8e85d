using Mahavishnu.Benchmarks;

// dotnet run -c Release --project benchmarks/Mahavishnu.Benchmarks -- NAME [--json] [--OPTION N]…
return await BenchmarkProgram.RunAsync(args,
[
    new IngestBenchmark(), new BatchBenchmark(), new ImportBenchmark(), new EmbedBenchmark(),
    new StoreBenchmark(), new SearchBenchmark(), new UnifiedBenchmark(), new ProjectsBenchmark(), new ScaleBenchmark(), new ConcurrencyBenchmark(), new StartBenchmark(),
    new EvalBenchmark(), new TelemetryBenchmark(), new McpBenchmark(),
]);
