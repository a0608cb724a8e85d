namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>Times without a zone are read as PostgreSQL reads them.</summary>
public sealed class SourceClockTests(PostgresFixture postgres)
{
    private static long Microseconds(DateTime local) => (local - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    [Theory]
    [InlineData("America/Los_Angeles", "2025-03-09 02:30:00")] // left out
    [InlineData("America/Los_Angeles", "2025-11-02 01:30:00")] // twice
    [InlineData("America/Los_Angeles", "2025-11-02 00:59:59.999999")]
    [InlineData("America/Los_Angeles", "2025-11-02 02:00:00")]
    [InlineData("Europe/Berlin", "2025-03-30 02:30:00")]
    [InlineData("Europe/Berlin", "2025-10-26 02:30:00")]
    [InlineData("Australia/Lord_Howe", "2025-10-05 02:15:00")] // half an hour
    [InlineData("Australia/Lord_Howe", "2025-04-06 01:45:00")]
    [InlineData("Pacific/Apia", "2011-12-30 12:00:00")] // a whole day
    [InlineData("Asia/Kolkata", "2025-06-01 12:00:00")]
    [InlineData("UTC", "2025-06-01 12:00:00")]
    public async Task A_wall_clock_is_read_as_the_database_would(string zone, string local)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();
        var clock = new SourceClock(TimeZoneInfo.FindSystemTimeZoneById(zone));
        var expected = await database.ScalarAsync<DateTime>("SELECT $1::text::timestamp AT TIME ZONE $2", local, zone);

        var time = DateTime.Parse(local, System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal((DateTimeOffset?)expected, clock.FromLocal(Microseconds(time)).Utc);
        Assert.Equal((DateTimeOffset?)expected, clock.FromText(local).Utc);
    }

    [Fact]
    public async Task So_is_every_half_hour_of_a_year()
    {
        const string Zone = "America/Los_Angeles";
        var database = await postgres.ReadOnlyDatabaseAsync();
        var clock = new SourceClock(TimeZoneInfo.FindSystemTimeZoneById(Zone));
        var first = new DateTime(2026, 1, 1);
        var expected = await database.ScalarAsync<DateTime[]>(
            "SELECT array_agg(t AT TIME ZONE $1 ORDER BY t) FROM generate_series(timestamp '2026-01-01', timestamp '2026-12-31 23:30', interval '30 minutes') t", Zone);

        Assert.Equal(365 * 48, expected!.Length);
        Assert.Equal(expected.Select(e => (DateTimeOffset?)e), Enumerable.Range(0, expected.Length).Select(i => clock.FromLocal(Microseconds(first.AddMinutes(30 * i))).Utc));
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("03/04/2026")]
    [InlineData("2026-13-01 00:00:00")]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("1e300")]
    [InlineData("Infinity")]
    public void A_text_that_is_no_time_is_kept_as_it_is(string text)
    {
        var time = new SourceClock(TimeZoneInfo.Utc).FromText(text);

        Assert.Null(time.Utc);
        Assert.Equal(text.Length == 0 ? null : text, time.Raw);
    }
}
