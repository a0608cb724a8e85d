using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>Which memories a search may find.</summary>
internal sealed partial class SearchStore
{
    // Rows of m that are there for everybody.
    private const string Present = "m.deleted_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > now())";
    private const string Visible = $"{Present} AND m.superseded_by IS NULL";

    /// <summary>Rows of one kind, and no row of another; with the conditions that hold for all of them.</summary>
    private sealed record Branch
    {
        /// <summary>On <c>m</c>.</summary>
        public string Memories { get; init; } = "";

        /// <summary>The same, and what leads the words' index there, on <c>m</c>.</summary>
        public string Words { get; init; } = "";

        /// <summary>What the vectors' own columns can say, on <c>e</c>. They repeat the memory's as it was when it was embedded: a first sieve, not the last word.</summary>
        public string Vectors { get; init; } = "";

        /// <summary>Never so many that the vectors' index would be worth it.</summary>
        public bool Few { get; init; }
    }

    /// <summary>The conditions of one search: once for the rows of memories (<c>m</c>), and as far as it goes for those of the vectors (<c>e</c>).</summary>
    private sealed partial class Scope
    {
        private readonly List<string> _memories = [];
        private readonly List<string> _late = [];
        private readonly List<string> _vectors = [];
        private readonly List<Branch> _branches = [];

        public Scope(Question q, IReadOnlyList<string> languages, Parameters p, string tenant)
        {
            Tenant = p.Text(tenant);
            Both("tenant_id", "= " + Tenant);
            Both("memory_type", q.Types, p);
            Both("source_system", q.Sources, p);
            Project(q, p);
            Both("repo_id", q.RepoId, p);
            Both("occurred_at", q.After is { } after ? ">= " + p.Time(after) : null);
            Both("occurred_at", q.Before is { } before ? "< " + p.Time(before) : null);

            // Superseded memories are out of the way, not gone: who asks about them by name finds them.
            var superseded = q.IncludeSuperseded || q.Filter?.Mentions(FilterField.SupersededBy) == true;
            if (q.AsOf is null)
            {
                _memories.Add(superseded ? Present : Visible);
            }

            var first = _memories.Count;
            if (q.AsOf is { } time)
            {
                _memories.Add($"({MemoryTimeStore.WasValid("m", p.Time(time), superseded)})");
            }

            Memory("agent_id", q.AgentId, p);
            Memory("workflow_id", q.WorkflowId, p);
            Memory("session_id", q.SessionId, p);
            if (q.Tags.Count > 0)
            {
                // The index on tags leaves out empty lists and has to hear that we do too.
                _memories.Add($"m.tags @> {p.Texts(q.Tags)} AND m.tags <> '{{}}'");
            }

            if (q.Filter is { } filter)
            {
                _memories.Add(FilterStore.Sql(filter, p));
            }

            if (q.Asked is { } asked)
            {
                Quoted(asked, languages, p);
            }

            VectorsSayAll = _memories.Count == first;
            if (q.Like is { } like)
            {
                _memories.Add("m.id <> " + p.Id(like));
            }
        }

        /// <summary>The tenant's parameter.</summary>
        public string Tenant { get; }

        /// <summary>Every condition, those that no index can answer among them, on <c>m</c>: what the memories that were brought up are asked.</summary>
        public string Found => string.Join(" AND ", [.. _memories, .. AnyBranch, .. _late]);

        /// <summary>What no index can answer; null where there is none.</summary>
        public string? Late => _late.Count == 0 ? null : string.Join(" AND ", _late);

        /// <summary>Whether what the vectors' own columns say leaves nothing open but that the memory is still there.</summary>
        public bool VectorsSayAll { get; }

        private IEnumerable<string> AnyBranch => _branches.Count == 0 ? [] : [$"({string.Join(" OR ", _branches.Select(b => b.Memories))})"];

        /// <summary>The same rows of each branch. One condition with an OR in it would be led by no index, and half of all rows would be expected.</summary>
        /// <param name="rows">A <c>SELECT</c> of a branch whose conditions are all in <see cref="Branch"/>'s texts.</param>
        public string Each(Func<Branch, string> rows) => _branches.Count switch
        {
            0 => rows(Whole(new Branch())),
            1 => rows(Whole(_branches[0])),
            _ => string.Join(" UNION ALL ", _branches.Select(b => $"({rows(Whole(b))})")),
        };

        /// <summary>The newest memories of all branches together.</summary>
        /// <param name="columns"><c>m.created_at</c> among them.</param>
        public string Newest(string columns, string limit, string condition = "true")
        {
            const string Newest = "ORDER BY m.created_at DESC LIMIT";
            var rows = Each(branch => $"SELECT {columns} FROM memories m WHERE {condition} AND {branch.Memories} {Newest} {limit}");
            return _branches.Count < 2 ? rows : $"SELECT * FROM ({rows}) m {Newest} {limit}";
        }

        private Branch Whole(Branch branch) => branch with
        {
            Memories = Join(_memories, branch.Memories),
            Words = Join(_memories, branch.Memories, branch.Words),
            Vectors = Join(_vectors, branch.Vectors),
        };

        private static string Join(IEnumerable<string> conditions, params IEnumerable<string> more) => string.Join(" AND ", conditions.Concat(more.Where(c => c.Length > 0)));

        private void Project(Question q, Parameters p)
        {
            if (q.Origin is Origin.Memories or Origin.SessionBuddy)
            {
                Both("source_system", (q.Origin == Origin.SessionBuddy ? "= " : "<> ") + p.Text(Origins.SessionBuddySource));
            }

            if (q.Across is { } across)
            {
                Across(across, p);
                return;
            }

            if (q.ProjectId is not { } project)
            {
                return;
            }

            var name = p.Text(project);
            if (q.Origin is not (Origin.Any or Origin.Shared))
            {
                _branches.Add(OfProjects($"= {name}", $"ARRAY[{name}]"));
                return;
            }

            var groups = $"SELECT g.group_id FROM project_group_members g WHERE g.tenant_id = {Tenant} AND g.project_id = {name}";
            var shared = $"IN (SELECT s.memory_id FROM insight_shares s WHERE s.tenant_id = {Tenant} AND s.withdrawn_at IS NULL AND (s.project_id = {name} OR s.group_id IN ({groups})))";
            if (q.Origin == Origin.Any)
            {
                _branches.Add(OfProjects($"= {name}", $"ARRAY[{name}]"));
            }

            _branches.Add(new Branch { Memories = $"m.project_id IS DISTINCT FROM {name} AND m.id {shared}", Vectors = $"e.project_id IS DISTINCT FROM {name} AND e.memory_id {shared}", Few = true });
        }

        // The words' index holds the project beside them, as a list of one: that much of GIN needs no extension.
        private static Branch OfProjects(string condition, string names) =>
            new() { Memories = $"m.project_id {condition}", Words = $"ARRAY[m.project_id] && {names}", Vectors = $"e.project_id {condition}" };

        private void Quoted(AskedText asked, IReadOnlyList<string> languages, Parameters p)
        {
            foreach (var phrase in asked.Phrases)
            {
                if (AskedText.HasWords(phrase))
                {
                    _memories.Add($"({Words(AskedText.WordsOf(phrase), languages, "{0} IS NULL OR m.words @@ {0}", p)}) AND {Says(phrase, p)}");
                }
                else
                {
                    // Nothing leads to it but reading the texts.
                    _late.Add(Says(phrase, p));
                }
            }

            foreach (var (text, isPhrase) in asked.Excluded)
            {
                _memories.Add($"({(isPhrase ? Says(text, p) : Words(text, languages, "m.words @@ {0}", p))}) IS NOT TRUE");
            }
        }

        // A function of constants: the planner knows the words, and how rare they are. Of stop words it is NULL.
        private static string Words(string text, IReadOnlyList<string> languages, string condition, Parameters p)
        {
            var words = p.Text(text);
            return string.Join(" OR ", languages.Select(l => condition.Replace("{0}", $"mahavishnu_all_words('{l}', {words})", StringComparison.Ordinal)));
        }

        private void Both(string column, string? condition)
        {
            if (condition is not null)
            {
                _memories.Add($"m.{column} {condition}");
                _vectors.Add($"e.{column} {condition}");
            }
        }

        private void Both(string column, string? value, Parameters p) => Both(column, value is null ? null : "= " + p.Text(value));

        private void Both(string column, IReadOnlyList<string> values, Parameters p) => Both(column, values.Count == 0 ? null : $"= ANY({p.Texts(values)})");

        private void Memory(string column, string? value, Parameters p)
        {
            if (value is not null)
            {
                _memories.Add($"m.{column} = {p.Text(value)}");
            }
        }
    }

    // Whether a text stands in the row m as it is.
    private static string Says(string phrase, Parameters p)
    {
        var pattern = p.Text(TextPattern.Of(phrase));
        return $"(m.content ~* {pattern} OR coalesce(m.title, '') ~* {pattern})";
    }
}
