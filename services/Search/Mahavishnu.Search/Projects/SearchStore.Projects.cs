namespace Mahavishnu.Search;

/// <summary>A search across projects: which rows it may find, and what each of them weighs.</summary>
internal sealed partial class SearchStore
{
    private sealed partial class Scope
    {
        /// <summary>What the score of the row <c>m</c> is multiplied by.</summary>
        public string Weight { get; private set; } = "1::float8";

        // Lists, not a look into the tables of projects: of values the planner knows how many rows they bring, and takes the index on projects for few.
        private void Across(ProjectScope across, Parameters p)
        {
            var projects = p.Texts([.. across.Projects.Keys]);
            var weight = $"({p.Doubles([.. across.Projects.Values.Select(s => s.Weight)])}::float8[])[array_position({projects}, m.project_id)]";
            _branches.Add(OfProjects($"= ANY({projects})", projects));
            if (across.Shared.Count == 0)
            {
                Weight = weight;
                return;
            }

            var shared = p.Ids([.. across.Shared.Keys]);
            _branches.Add(new Branch
            {
                Memories = $"m.project_id = ANY({projects}) IS NOT TRUE AND m.id = ANY({shared})",
                Vectors = $"e.project_id = ANY({projects}) IS NOT TRUE AND e.memory_id = ANY({shared})",
                Few = true,
            });
            // The greatest of those that are there.
            Weight = $"greatest({weight}, CASE WHEN m.id = ANY({shared}) THEN {p.Double(across.SharedWeight)} END)";
        }
    }
}
