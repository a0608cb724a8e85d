using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>
/// The <c>repository</c> operation: walk → hash → leave out what is unchanged → split → write, with reading ahead of writing by a bounded number of batches;
/// at last the files that are gone are dropped. Killed at any moment it leaves whole files, and begun again it goes on with the others.
/// </summary>
internal sealed class RepositoryIngestion(
    AllowedRoots roots, RepositoryStore store, RepositoryTelemetry telemetry, IOptions<RepositoryOptions> options, TimeProvider time) : IOperationHandler
{
    // Changes when the same text would be cut or described otherwise: then every file is done anew.
    private const int SplitterVersion = 2;

    // A batch is closed by whichever limit it reaches first; they bound the memory of a run.
    private const int FilesInBatch = 256;
    private const int CharactersInBatch = 4 << 20;

    public string Kind => OperationKinds.Repository;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var input = run.Input<RepositoryInput>();
        var started = time.GetTimestamp();

        // Again, as links and settings may have changed since the request.
        var (path, root) = roots.Resolve(input.Path, out var refusal) ?? throw new OperationFailedException(refusal!.Code, $"{input.Path} {refusal.Message}");
        var checkout = GitCheckout.Around(path, root);
        await store.BeginAsync(run.Id, input, checkout.Commit, ct);

        var tally = new Tally();
        var settings = SettingsHash(input);
        var known = await store.FilesAsync(input.RepoId, ct);
        var files = await Task.Run(() => Walk(input, path, checkout, tally, ct), ct);
        var drafts = new ChunkDrafts(input.RepoId, input.ProjectId, checkout.Commit, new Chunker(options.Value.ChunkTokens, options.Value.OverlapTokens), time);
        var reader = new RepositoryReader(path, options.Value.MaxFileBytes, settings, known, drafts, telemetry, time);
        await ReadAndWriteAsync(run, input.RepoId, settings, files, reader, tally, ct);

        var gone = known.Keys.Where(p => !tally.IsThere(p)).ToList();
        tally.Add(new ChunkCounts(0, 0, await store.DropAsync(input.RepoId, gone, ct)));
        var result = tally.Result(input.RepoId, checkout.Commit, gone.Count, await store.CountChunksAsync(input.RepoId, ct), time.GetElapsedTime(started));
        await store.CompleteAsync(run.Id, JsonSerializer.Serialize(result, WireJson.Lenient), ct);
        return result;
    }

    private List<FoundFile> Walk(RepositoryInput input, string path, GitCheckout checkout, Tally tally, CancellationToken ct)
    {
        var files = new List<FoundFile>();
        foreach (var file in new FileWalker(path, checkout, FileSelection.Create(input.Include, input.Exclude), options.Value.MaxFileBytes).Walk())
        {
            ct.ThrowIfCancellationRequested();
            if (file.Skipped is not null)
            {
                tally.Skip(file.Path, file.Skipped);
                continue;
            }

            files.Add(file);
            if (files.Count > options.Value.MaxFiles)
            {
                throw new OperationFailedException(
                    ErrorCodes.TooLarge, $"{input.Path} has more than {options.Value.MaxFiles} files to ingest. Narrow it by include and exclude, or raise {RepositoryOptions.Section}:{nameof(RepositoryOptions.MaxFiles)}.");
            }
        }

        return files;
    }

    private async Task ReadAndWriteAsync(OperationRun run, string repoId, byte[] settings, List<FoundFile> files, RepositoryReader reader, Tally tally, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var batches = Channel.CreateBounded<List<FileChunks>>(options.Value.Writers);
        var writers = Enumerable.Range(0, options.Value.Writers).Select(_ => StoppingOthersAsync(WriteAllAsync));
        await Task.WhenAll([StoppingOthersAsync(ReadAllAsync), .. writers]);

        async Task StoppingOthersAsync(Func<CancellationToken, Task> work)
        {
            try
            {
                await Task.Run(() => work(stop.Token), stop.Token);
            }
            catch
            {
                await stop.CancelAsync();
                throw;
            }
        }

        async Task ReadAllAsync(CancellationToken token)
        {
            var batch = new Batch();
            foreach (var file in files)
            {
                token.ThrowIfCancellationRequested();
                if (tally.Count(file.Path, reader.Read(file)) is { } changed && batch.Add(changed, options.Value.ChunksPerTransaction))
                {
                    await batches.Writer.WriteAsync(batch.Take(), token);
                }

                run.Report(tally.Done, files.Count, "files", tally.Message);
            }

            if (!batch.IsEmpty)
            {
                await batches.Writer.WriteAsync(batch.Take(), token);
            }

            batches.Writer.Complete();
        }

        async Task WriteAllAsync(CancellationToken token)
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(token))
            {
                var started = time.GetTimestamp();
                var counts = await store.SaveAsync(repoId, settings, batch, token);
                telemetry.Spent(RepositoryTelemetry.Write, time.GetElapsedTime(started));
                telemetry.Wrote(counts);
                tally.Add(counts);
                tally.Saved(batch.Count);
                run.Report(tally.Done, files.Count, "files", tally.Message);
            }
        }
    }

    private byte[] SettingsHash(RepositoryInput input) => SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{SplitterVersion}:{options.Value.ChunkTokens}:{options.Value.OverlapTokens}:{input.ProjectId}")));

    /// <summary>Files that will share a transaction.</summary>
    private sealed class Batch
    {
        private List<FileChunks> _files = [];
        private int _chunks;
        private long _characters;

        public bool IsEmpty => _files.Count == 0;

        /// <returns>True when the batch is full.</returns>
        public bool Add(FileChunks file, int mostChunks)
        {
            _files.Add(file);
            _chunks += file.Drafts.Count;
            _characters += file.Drafts.Sum(d => (long)d.Content.Length);
            return _chunks >= mostChunks || _characters >= CharactersInBatch || _files.Count >= FilesInBatch;
        }

        public List<FileChunks> Take()
        {
            var files = _files;
            (_files, _chunks, _characters) = ([], 0, 0);
            return files;
        }
    }

    /// <summary>The run's counts. The reader counts files, the writers count chunks.</summary>
    private sealed class Tally
    {
        private readonly HashSet<string> _there = new(StringComparer.Ordinal);
        private readonly List<string> _unreadable = [];
        private readonly ConcurrentDictionary<string, int> _skipped = new(StringComparer.Ordinal);
        private int _unchanged;
        private int _settled;
        private int _saved;
        private int _created;
        private int _kept;
        private int _removed;
        private long _bytes;

        /// <summary>Files that nothing more will happen to.</summary>
        public int Done => Volatile.Read(ref _settled) + Volatile.Read(ref _saved);

        public string Message => string.Create(CultureInfo.InvariantCulture, $"{Volatile.Read(ref _created) + Volatile.Read(ref _kept)} chunks written");

        public void Skip(string path, string reason)
        {
            _skipped.AddOrUpdate(reason, 1, (_, n) => n + 1);
            if (reason == SkipReasons.Unreadable)
            {
                // What cannot be looked at just now is not gone.
                _unreadable.Add(path);
            }
        }

        /// <returns>The file, if it is to be written.</returns>
        public FileChunks? Count(string path, ReadFile read)
        {
            if (read is ReadFile.Changed { File: var file })
            {
                _there.Add(path);
                _bytes += file.Bytes;
                return file;
            }

            if (read is ReadFile.Skipped { Reason: var reason })
            {
                Skip(path, reason);
            }
            else if (read is ReadFile.Unchanged)
            {
                _there.Add(path);
                _unchanged++;
            }

            Interlocked.Increment(ref _settled);
            return null;
        }

        public void Saved(int files) => Interlocked.Add(ref _saved, files);

        public void Add(ChunkCounts counts)
        {
            Interlocked.Add(ref _created, counts.Created);
            Interlocked.Add(ref _kept, counts.Kept);
            Interlocked.Add(ref _removed, counts.Removed);
        }

        /// <summary>Whether the file still has a place in the repository: it was read, or may be behind a folder that cannot be.</summary>
        public bool IsThere(string path) =>
            _there.Contains(path) || _unreadable.Exists(u => u.Length == 0 || path.Equals(u, StringComparison.Ordinal) || path.StartsWith(u + "/", StringComparison.Ordinal));

        public RepositoryResult Result(string repoId, string? commit, int filesRemoved, int chunks, TimeSpan took) => new()
        {
            RepoId = repoId,
            Commit = commit,
            FilesChanged = _saved,
            FilesUnchanged = _unchanged,
            FilesRemoved = filesRemoved,
            FilesSkipped = _skipped.Values.Sum(),
            Skipped = new SortedDictionary<string, int>(_skipped, StringComparer.Ordinal),
            ChunksCreated = _created,
            ChunksKept = _kept,
            ChunksRemoved = _removed,
            Bytes = _bytes,
            Chunks = chunks,
            Seconds = Math.Round(took.TotalSeconds, 3),
        };
    }
}
