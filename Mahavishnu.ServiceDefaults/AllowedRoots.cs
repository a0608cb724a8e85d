using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Why a path is not read: one of <see cref="ErrorCodes"/>, and the rest of a sentence that begins with the field.</summary>
public sealed record Refusal(string Code, string Message);

/// <summary>What this server may read on request (section <c>Ingest:Roots</c>, a list).</summary>
internal sealed class RootsOptions
{
    public const string Section = "Ingest:Roots";

    /// <summary>Directories whose contents may be ingested and imported; nothing outside them is ever read. Empty: none.</summary>
    public IList<string> Directories { get; } = [];
}

/// <summary>A root that depends on where the server was started is none.</summary>
internal sealed class RootsOptionsValidator : IValidateOptions<RootsOptions>
{
    public ValidateOptionsResult Validate(string? name, RootsOptions options)
    {
        var wrong = options.Directories.Select((root, i) => (root, i)).Where(r => !Path.IsPathFullyQualified(r.root))
            .Select(r => FormattableString.Invariant($"{RootsOptions.Section}:{r.i}: '{r.root}' is not an absolute path.")).ToList();
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }
}

/// <summary>The directories whose content may be read on request. Nothing outside them is, by whatever links the path goes.</summary>
public sealed class AllowedRoots(IReadOnlyList<string> roots)
{
    private const int MostLinks = 40;

    private static readonly StringComparison PathComparison =
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    /// <summary>
    /// The path without links and the root it lies in, or in <paramref name="refusal"/> what is wrong with the request. Whether something exists outside
    /// the roots is not told.
    /// </summary>
    /// <param name="files">True where a file will do as well as a directory.</param>
    public (string Path, string Root)? Resolve(string? requested, out Refusal? refusal, bool files = false)
    {
        refusal = Malformed(requested);
        if (refusal is not null)
        {
            return null;
        }

        if (roots.Count == 0)
        {
            refusal = new Refusal(ErrorCodes.OutsideRoots, $"cannot be read: {RootsOptions.Section} is empty, so this server reads no directory.");
            return null;
        }

        var path = RealPath(requested!);
        var root = path is null ? null : roots.Select(RealPath).FirstOrDefault(r => r is not null && IsInside(path, r));
        if (path is null || root is null)
        {
            refusal = new Refusal(ErrorCodes.OutsideRoots, $"lies outside the directories this server may read ({RootsOptions.Section}: {string.Join(", ", roots)}).");
            return null;
        }

        refusal = Directory.Exists(path) || (files && File.Exists(path))
            ? null
            : new Refusal(ErrorCodes.InvalidRequest, File.Exists(path) ? "is a file, not a directory." : "does not exist.");
        return refusal is null ? (path, root) : null;
    }

    private static Refusal? Malformed(string? requested) =>
        string.IsNullOrWhiteSpace(requested) ? new Refusal(ErrorCodes.InvalidRequest, "is required: what to read.")
        : requested.Length > 4_096 || requested.Contains('\0', StringComparison.Ordinal) || !Path.IsPathFullyQualified(requested)
            ? new Refusal(ErrorCodes.InvalidRequest, "must be an absolute path of the server's machine.")
        : null;

    /// <summary>The path without links, whether or not its last parts exist; null for links in a circle.</summary>
    public static string? RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        var links = 0;
        var ahead = new Stack<string>();
        Push(full[real.Length..]);
        while (ahead.TryPop(out var name))
        {
            var next = Path.Combine(real, name);
            if (LinkTarget(next) is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks)
            {
                return null;
            }

            var absolute = Path.GetFullPath(target, real);
            real = Path.GetPathRoot(absolute)!;
            Push(absolute[real.Length..]);
        }

        return Path.TrimEndingDirectorySeparator(real);

        void Push(string names)
        {
            foreach (var name in names.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                ahead.Push(name);
            }
        }
    }

    public static bool IsInside(string path, string directory) =>
        path.Equals(directory, PathComparison)
        || path.StartsWith(Path.EndsInDirectorySeparator(directory) ? directory : directory + Path.DirectorySeparatorChar, PathComparison);

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>How a module asks for <see cref="AllowedRoots"/>.</summary>
public static class AllowedRootsRegistration
{
    /// <summary>Registers the roots that <c>Ingest:Roots</c> names; one that is no absolute path stops the start.</summary>
    public static IServiceCollection AddAllowedRoots(this IServiceCollection services)
    {
        services.AddOptions<RootsOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<RootsOptions>, ReadRoots>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RootsOptions>, RootsOptionsValidator>());
        services.TryAddSingleton(provider => new AllowedRoots([.. provider.GetRequiredService<IOptions<RootsOptions>>().Value.Directories]));
        return services;
    }

    /// <summary>The section is the list itself.</summary>
    private sealed class ReadRoots(IConfiguration configuration) : IConfigureOptions<RootsOptions>
    {
        public void Configure(RootsOptions options) => configuration.GetSection(RootsOptions.Section).Bind(options.Directories);
    }
}
