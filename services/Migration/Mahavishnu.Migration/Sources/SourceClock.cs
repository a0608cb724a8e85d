using System.Globalization;
using System.Text.RegularExpressions;

namespace Mahavishnu.Migration;

/// <param name="Utc">When it was; null where that is not known.</param>
/// <param name="Raw">What stands there instead of a time: <c>infinity</c>, a year far away, a text that is none.</param>
internal readonly record struct SourceTime(DateTimeOffset? Utc, string? Raw)
{
    public static SourceTime Unknown(string? raw = null) => new(null, raw);
}

/// <summary>Reads the source's times. A time without a zone is the wall clock of the machine that wrote it.</summary>
internal sealed partial class SourceClock(TimeZoneInfo zone)
{
    // Within these a time survives PostgreSQL (whose infinities are .NET's extremes) and every client.
    private const int FirstYear = 2;
    private const int LastYear = 9998;

    public static SourceTime FromUtc(long microseconds) => new(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), null);

    public SourceTime FromLocal(long microseconds) => new(ToUtc(DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond)), null);

    /// <summary>A time that a column of another type holds: ISO 8601, or a number since 1970.</summary>
    public SourceTime FromText(string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
        {
            return SourceTime.Unknown();
        }

        if (double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
        {
            return FromNumber(number) is { } moment ? new(moment, null) : SourceTime.Unknown(text);
        }

        if (!Iso().IsMatch(trimmed) || !DateTimeOffset.TryParse(trimmed, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            || time.Year is < FirstYear or > LastYear)
        {
            return SourceTime.Unknown(text);
        }

        return new(Offset().IsMatch(trimmed) ? time.ToUniversalTime() : ToUtc(time.DateTime), null);
    }

    /// <summary>As PostgreSQL reads it: an hour that comes twice is the second one (standard time), one that is left out is counted on from before the gap.</summary>
    /// <remarks>Asks only for offsets at moments of UTC: of a day that a zone left out (Samoa, 30 December 2011) <see cref="TimeZoneInfo.IsInvalidTime"/> knows nothing.</remarks>
    private DateTimeOffset ToUtc(DateTime local)
    {
        local = DateTime.SpecifyKind(local, DateTimeKind.Utc);
        var before = zone.GetUtcOffset(local.AddDays(-1));
        var after = zone.GetUtcOffset(local.AddDays(1));
        return new DateTimeOffset(local - (before != after && Holds(after) ? after : before));

        bool Holds(TimeSpan assumed) => zone.GetUtcOffset(local - assumed) == assumed;
    }

    /// <summary>Seconds, or by their size milliseconds or microseconds.</summary>
    private static DateTimeOffset? FromNumber(double number)
    {
        var seconds = Math.Abs(number) switch { < 1e11 => number, < 1e14 => number / 1e3, _ => number / 1e6 };
        return Math.Abs(seconds) < 1e11 && DateTimeOffset.UnixEpoch.AddSeconds(seconds) is { Year: >= FirstYear and <= LastYear } time ? time : null;
    }

    // 2026-02-22T09:16:42.643822+00:00, 2026-02-22 01:16:42.643822, 2026-02-22
    [GeneratedRegex(@"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Iso();

    [GeneratedRegex(@":\d\d(\.\d+)? ?(Z|[+-]\d\d(:?\d\d)?)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1_000)]
    private static partial Regex Offset();
}
