using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>What a search costs more while its traces, metrics and logs are sent: rounds with and without a collector, turn by turn, over one small store.</summary>
internal sealed class TelemetryBenchmark : IBenchmark
{
    private const int Warm = 200;
    private const double ShareAllowed = 0.15;
    private const double MillisecondsAllowed = 0.5;

    public string Name => "telemetry";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var (memories, searches, rounds) = (arguments.Number("memories", 2_000), arguments.Number("searches", 500), arguments.Number("rounds", 5));
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        using var collector = new Collector();
        await using (var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetTempPath(), null, ct))
        {
            await StandIn.WriteAsync(server, "stored", memories, ct);
            await server.UntilEmbeddedAsync(ct);
        }

        using var questions = Remarks.Questions().GetEnumerator();
        var (off, on) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            // Each goes first as often as the other: a machine that slows down does not speak for one of them.
            foreach (var sends in round % 2 == 0 ? [false, true] : new[] { true, false })
            {
                (sends ? on : off).Add(await MedianAsync(database.ConnectionString, sends ? collector.Settings : null, questions, searches, ct));
            }
        }

        if (collector.Bytes("/v1/traces") == 0)
        {
            throw new InvalidOperationException("The collector got no traces: nothing was measured.");
        }

        var (difference, ratio) = (Median(on.Zip(off, (a, b) => a - b)), Median(on.Zip(off, (a, b) => a / b)));
        return
        [
            new("search without a collector, p50, median of the rounds", Median(off), "ms"),
            new("search with a collector, p50, median of the rounds", Median(on), "ms"),
            new("with − without, median of the rounds", difference, "ms"),
            new("with : without, median of the rounds", ratio, "×"),
            new("of what is allowed (15 % or 0.5 ms)", Math.Min((ratio - 1) / ShareAllowed, difference / MillisecondsAllowed), "×", AtMost: 1),
            new("traces sent for a search", collector.Bytes("/v1/traces") / (double)(rounds * (searches + Warm)), "bytes"),
        ];
    }

    /// <summary>Milliseconds of the middle search of one client. One server at a time: spans are a matter of the whole process.</summary>
    private static async Task<double> MedianAsync(
        string connectionString, IReadOnlyDictionary<string, string?>? settings, IEnumerator<string> questions, int searches, CancellationToken ct)
    {
        await using var server = await BenchmarkServer.StartAsync(connectionString, Path.GetTempPath(), settings, ct);
        // A caller from elsewhere: this process's own span of the call would decide what the server records.
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = server.Http.BaseAddress };
        var client = new SearchClient(http);
        var times = new List<double>(searches);
        for (var i = -Warm; i < searches; i++)
        {
            questions.MoveNext();
            var clock = Stopwatch.StartNew();
            var answer = await client.SearchAsync(new SearchRequest { Query = questions.Current, Limit = 20 }, ct);
            if (answer.Hits.Count == 0 || answer.Degraded.Count > 0)
            {
                throw new InvalidOperationException($"A search found {answer.Hits.Count} hits, degraded by [{string.Join(", ", answer.Degraded)}].");
            }

            if (i >= 0)
            {
                times.Add(clock.Elapsed.TotalMilliseconds);
            }
        }

        return new Latencies(times, TimeSpan.FromMilliseconds(times.Sum())).Percentile(0.5);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>Takes what is sent and counts it. No web server of the kind that is measured: its requests would be spans, too.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Dictionary<string, long> _bytes = new(StringComparer.Ordinal);
        private readonly Lock _lock = new();
        private readonly string _url;

        public Collector()
        {
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                _url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}");
            }

            _listener.Prefixes.Add(_url + "/");
            _listener.Start();
            _ = TakeAsync();
        }

        public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        };

        public long Bytes(string path)
        {
            lock (_lock)
            {
                return _bytes.GetValueOrDefault(path);
            }
        }

        public void Dispose() => _listener.Close();

        private async Task TakeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    lock (_lock)
                    {
                        var path = context.Request.Url!.AbsolutePath;
                        _bytes[path] = _bytes.GetValueOrDefault(path) + body.Length;
                    }

                    context.Response.ContentType = "application/x-protobuf";
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Closed: nobody sends any more.
            }
        }
    }
}
