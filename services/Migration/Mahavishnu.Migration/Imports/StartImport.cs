using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Migration;

/// <summary>POST /imports: files of Session-Buddy's → the operation that takes them over. Asking again while it runs answers with the same operation; asking again after it was stopped goes on with it.</summary>
internal static class StartImport
{
    private const int MostPaths = 100;
    private const int MostNames = 1_000;
    private const int LongestSubject = 1_000;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/", HandleAsync).WithQuery([]).WithName(nameof(StartImport)).WithSummary("Import Session-Buddy files of the server's machine")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> HandleAsync(
        ImportRequest request, AllowedRoots roots, OperationStore operations, TimeProvider time, CancellationToken ct)
    {
        if (Resolve(request.Paths, roots, out var refused) is not { } paths)
        {
            return refused!;
        }

        var errors = new FieldErrors();
        var input = new ImportInput
        {
            Paths = paths,
            TimeZone = TimeZone(request.TimeZone, time, errors),
            DryRun = request.DryRun ?? false,
            Collections = Names("collections", request.Collections, errors),
            Tables = Names("tables", request.Tables, errors),
            Copy = request.Copy ?? true,
            Verify = request.Verify,
            IncludeBackups = request.IncludeBackups ?? false,
        };
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (operation, created, running) = await operations.StartAsync(OperationKinds.Import, Subject(paths), input, ct);
        if (!created && !running.Deserialize<ImportInput>(WireJson.Lenient)!.SameAs(input))
        {
            return Problems.Conflict($"These files are being imported with other settings (operation {operation.Id}). Wait for its end or cancel it.");
        }

        return TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation);
    }

    private static List<string>? Resolve(IReadOnlyList<string>? paths, AllowedRoots roots, out ProblemHttpResult? refused)
    {
        if (paths is null or { Count: 0 } or { Count: > MostPaths })
        {
            refused = Problems.Validation("paths", FormattableString.Invariant($"needs 1 to {MostPaths} paths of files, or of folders with files."));
            return null;
        }

        var found = new List<string>();
        foreach (var (i, path) in paths.Index())
        {
            if (roots.Resolve(path, out var refusal, files: true) is not { } real)
            {
                var status = refusal!.Code == ErrorCodes.OutsideRoots ? StatusCodes.Status403Forbidden : StatusCodes.Status400BadRequest;
                refused = Problems.Validation(FormattableString.Invariant($"paths[{i}]"), refusal.Message, refusal.Code, status);
                return null;
            }

            found.Add(real.Path);
        }

        refused = null;
        return [.. found.Distinct(StringComparer.Ordinal)];
    }

    private static string TimeZone(string? given, TimeProvider time, FieldErrors errors)
    {
        var id = given ?? time.LocalTimeZone.Id;
        if (TimeZoneInfo.TryFindSystemTimeZoneById(id, out _))
        {
            return id;
        }

        errors.Add("timeZone", given is null
            ? "is needed: this machine's own time zone has no name. Give the one that the files were written in, such as America/Los_Angeles."
            : $"'{given}' is not a time zone that this machine knows. Give a name of the IANA list, such as America/Los_Angeles or UTC.");
        return id;
    }

    private static IReadOnlyList<string> Names(string field, IReadOnlyList<string>? given, FieldErrors errors)
    {
        if (given?.Count > MostNames)
        {
            errors.Add(field, FormattableString.Invariant($"has more than {MostNames} names."));
        }

        // PostgreSQL, where what was asked for is kept, has no U+0000.
        foreach (var (i, _) in (given ?? []).Index().Where(n => string.IsNullOrWhiteSpace(n.Item) || n.Item.Length > MemoryLimits.NameLength || n.Item.Contains('\0', StringComparison.Ordinal)))
        {
            errors.Add(FormattableString.Invariant($"{field}[{i}]"), FormattableString.Invariant($"must be a name of 1 to {MemoryLimits.NameLength} characters, without U+0000."));
        }

        return given ?? [];
    }

    // It is in an index, which takes no entry of any length.
    private static string Subject(List<string> paths)
    {
        var subject = string.Join('\n', paths);
        return subject.Length <= LongestSubject ? subject : $"{paths[0][..Math.Min(paths[0].Length, LongestSubject / 2)]} … {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(subject)))}";
    }
}
