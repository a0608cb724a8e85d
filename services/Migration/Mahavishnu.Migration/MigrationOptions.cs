using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Migration;

/// <summary>The knobs of this module (section <c>Migration</c>).</summary>
internal sealed class MigrationOptions
{
    public const string Section = "Migration";

    /// <summary>Seconds that <c>--migrate</c> waits for a database that does not answer yet: containers start side by side.</summary>
    [Range(0, 3_600)] public int WaitSeconds { get; set; } = 60;
}

[OptionsValidator]
internal sealed partial class MigrationOptionsValidator : IValidateOptions<MigrationOptions>;
