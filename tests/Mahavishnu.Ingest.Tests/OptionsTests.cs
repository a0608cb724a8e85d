using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A setting that cannot be used stops the start, by name.</summary>
public sealed class OptionsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("Embedding:Workers", "-1")]
    [InlineData("Embedding:ClaimItems", "0")]
    [InlineData("Embedding:LeaseSeconds", "0")]
    [InlineData("Embedding:MaxAttempts", "0")]
    [InlineData("VectorIndex:FromRows", "0")]
    [InlineData("VectorIndex:BuildMemory", "much")]
    [InlineData("VectorIndex:BuildMemory", "512MB; SELECT 1")]
    [InlineData("Ingest:RowsPerTransaction", "0")]
    [InlineData("Insights:MinConfidence", "1.5")]
    [InlineData("Insights:MaxPerCheckpoint", "0")]
    [InlineData("Insights:MaxPerSession", "0")]
    [InlineData("Insights:Model:TimeoutSeconds", "0")]
    [InlineData("Insights:Model:LeastCharacters", "10")]
    [InlineData("Insights:Model:Url", "localhost:11434")]
    [InlineData("Insights:Model:MaxAttempts", "many")]
    public async Task A_value_out_of_range_stops_the_start(string key, string value)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => IngestHost.StartAsync(database, (key, value)));

        // The page of settings knows most bounds before any module is asked; what only code can judge, the module says.
        Assert.True(refused is SettingsException or OptionsValidationException, refused.ToString());
        Assert.Contains(key.Split(':')[1], refused.Message, StringComparison.Ordinal);
    }
}
