using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.Ingest;

/// <summary>What stands before a switch: a space that finds worse than the active one is not let through unasked.</summary>
internal sealed class ActivationGate(EmbeddingSpaceStore spaces, SpaceComparer comparer)
{
    /// <returns>What the decision rests on, where there was something to compare, and the refusal, where it is one.</returns>
    public async Task<(SpaceComparison? Comparison, ProblemHttpResult? Refusal)> CheckAsync(EmbeddingSpace candidate, CancellationToken ct)
    {
        // A retired space has served before: the way back is open at any time, whatever its model does.
        if (candidate.State != EmbeddingSpaceStates.Building || await spaces.FindActiveAsync(ct) is not { } active)
        {
            return (null, null);
        }

        try
        {
            var comparison = await comparer.CompareAsync(active, candidate, CompareSpaces.UsualQueries, ct);
            return (comparison, comparison.Worse ? Problems.Conflict($"{SpaceScoring.Sentence(comparison)} Activate it with \"force\": true all the same.") : null);
        }
        catch (NotComparableException e) when (e.Space.Id == active.Id && e.Fault.Reason is EmbeddingReasons.ModelChanged or EmbeddingReasons.ModelMissing)
        {
            // The active space's model is gone for good: by its vectors nothing is found any more, and nothing is worse than that.
            return (null, null);
        }
        catch (NotComparableException e)
        {
            return (null, CompareSpaces.Unavailable(e));
        }
    }
}
