using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>The names under which ingest is measured and traced; dashboards read them.</summary>
internal sealed class IngestTelemetry
{
    public const string Name = "Mahavishnu.Ingest";

    private static readonly ActivitySource Source = new(Name);
    private readonly Counter<long> _embedded;
    private readonly Counter<long> _vectors;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _reused;
    private readonly Histogram<double> _duration;
    private readonly Gauge<long> _queue;
    private readonly Gauge<double> _oldest;
    private readonly Counter<long> _insights;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _read;
    private readonly Histogram<double> _reading;
    private readonly Gauge<long> _readings;

    public IngestTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _embedded = meter.CreateCounter<long>("mahavishnu.embedding.embedded", "{memory}", "Memories embedded.");
        _vectors = meter.CreateCounter<long>("mahavishnu.embedding.vectors", "{vector}", "Vectors made; a long text has several.");
        _failures = meter.CreateCounter<long>("mahavishnu.embedding.failures", "{failure}", "Attempts that failed, by reason (model_away, model_missing, model_changed, model_error, text_refused, bad_answer, wrong_count, wrong_dimensions, not_finite, zero_vector, worker_died).");
        _reused = meter.CreateCounter<long>("mahavishnu.embedding.reused", "{text}", "Texts that had been embedded before and were not again.");
        _duration = meter.CreateHistogram<double>(
            "mahavishnu.embedding.duration", "s", "Time from a claim to its vectors being stored.",
            advice: new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        _queue = meter.CreateGauge<long>("mahavishnu.embedding.queue", "{memory}", "Memories in the queue, by space and state (pending, running, failed).");
        _oldest = meter.CreateGauge<double>("mahavishnu.embedding.queue.age", "s", "How long the oldest memory has been waiting.");
        _insights = meter.CreateCounter<long>("mahavishnu.insight.extracted", "{insight}", "Insights taken from messages and stored, by extractor (marker, llm) and insight_type.");
        _refused = meter.CreateCounter<long>("mahavishnu.insight.refused", "{insight}", "What a language model said was an insight and is none, by reason (message, quote, length, field, score).");
        _read = meter.CreateCounter<long>("mahavishnu.insight.model.messages", "{message}", "Messages that a language model has read.");
        _reading = meter.CreateHistogram<double>(
            "mahavishnu.insight.model.duration", "s", "Time from asking a language model to its insights being stored, by outcome (ok, or why not).",
            advice: new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] });
        _readings = meter.CreateGauge<long>("mahavishnu.insight.model.queue", "{message}", "Messages for the language model, by state (pending, failed).");
    }

    public bool ReadingsAreWatched => _readings.Enabled;

    public bool QueueIsWatched => _queue.Enabled || _oldest.Enabled;

    public void EmbeddingFailed(string reason, long count) => _failures.Add(count, new KeyValuePair<string, object?>("reason", reason));

    public void Reused(long count)
    {
        if (count > 0)
        {
            _reused.Add(count);
        }
    }

    public void Queue(EmbeddingSpace space, EmbeddingQueueStatus status, DateTimeOffset now)
    {
        var (id, model) = (new KeyValuePair<string, object?>("space", (int)space.Id), new KeyValuePair<string, object?>("model", space.Model));
        _queue.Record(status.Pending, id, model, new("state", "pending"));
        _queue.Record(status.Running, id, model, new("state", "running"));
        _queue.Record(status.Failed, id, model, new("state", "failed"));
        _oldest.Record(status.OldestPending is { } oldest ? Math.Max(0, (now - oldest).TotalSeconds) : 0, id, model);
    }

    public void Extracted(IEnumerable<FoundInsight> insights)
    {
        foreach (var ((extractor, type), count) in insights.CountBy(i => (i.ReadBy is null ? InsightExtractors.Marker : InsightExtractors.Model, i.Score.Type)))
        {
            _insights.Add(count, new KeyValuePair<string, object?>("extractor", extractor), new KeyValuePair<string, object?>("insight_type", type));
        }
    }

    public void Readings(InsightModelStatus status)
    {
        _readings.Record(status.Waiting, new KeyValuePair<string, object?>("state", "pending"));
        _readings.Record(status.GivenUp, new KeyValuePair<string, object?>("state", "failed"));
    }

    /// <summary>Measures one call of a language model with what follows from it, from here to the end of the block.</summary>
    public ReadingMeasurement Reading(string model, int messages) => new(this, model, messages);

    /// <summary>Measures one claim, from here to the end of the block.</summary>
    public EmbeddingMeasurement Embedding(EmbeddingClaim claim) => new(this, claim);

    /// <summary>One span and one measurement that end together, whichever way the block is left.</summary>
    internal sealed class EmbeddingMeasurement(IngestTelemetry owner, EmbeddingClaim claim) : IDisposable
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly Activity? _activity = Start(claim);
        private bool _stored;

        public void Embedded(int memories, int vectors)
        {
            _stored = true;
            owner._embedded.Add(memories);
            owner._vectors.Add(vectors);
            _activity?.SetTag("mahavishnu.embedding.embedded", memories);
        }

        /// <summary>A trace of its own, as one claim serves many: it links to the requests and operations that wrote the memories.</summary>
        private static Activity? Start(EmbeddingClaim claim) => Source.HasListeners()
            ? Source.StartActivity("embed memories", ActivityKind.Consumer, parentContext: default, links: TraceText.Links(claim.Jobs.Select(j => j.Trace)))?
                .SetTag("mahavishnu.embedding.claimed", claim.Jobs.Count)
                .SetTag("mahavishnu.embedding.model", claim.Space.Model)
            : null;

        public void Dispose()
        {
            owner._duration.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, new KeyValuePair<string, object?>("outcome", _stored ? "ok" : "error"));
            if (!_stored)
            {
                _activity?.SetStatus(ActivityStatusCode.Error);
            }

            _activity?.Dispose();
        }
    }

    /// <summary>One span and one measurement that end together, whichever way the block is left.</summary>
    internal sealed class ReadingMeasurement(IngestTelemetry owner, string model, int messages) : IDisposable
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly Activity? _activity = Source.StartActivity("read messages for insights", ActivityKind.Internal, parentContext: default)?
            .SetTag("mahavishnu.insight.model", model)
            .SetTag("mahavishnu.insight.messages", messages);
        private string _outcome = "error";

        public void Read(ReadAnswer answer)
        {
            _outcome = "ok";
            owner._read.Add(messages);
            foreach (var (reason, count) in answer.Refused.CountBy(r => r))
            {
                owner._refused.Add(count, new KeyValuePair<string, object?>("reason", reason));
            }
        }

        public void Failed(string reason) => _outcome = reason;

        public void Dispose()
        {
            owner._reading.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, new KeyValuePair<string, object?>("outcome", _outcome));
            if (_outcome != "ok")
            {
                _activity?.SetTag("error.type", _outcome).SetStatus(ActivityStatusCode.Error);
            }

            _activity?.Dispose();
        }
    }
}
