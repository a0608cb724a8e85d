using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>Whatever projects have to do with each other, a search across them finds the memories in scope and no other, in every mode: compared with walking every way there is.</summary>
public sealed class AcrossProjectsLaws(PostgresFixture postgres)
{
    private static readonly string[] Names = ["a", "A", "b", "c", "d", "e", "E"];
    private static readonly string[] Kinds = ["uses", "extends", "references", "inspires"];
    private static readonly string[] Groups = ["g", "G", "h"];
    private static readonly string[] Reasons = [.. ScopeReasons.All];

    // Powers of two: a product of them is the same in whichever order.
    private static readonly Dictionary<string, double> Weights = new(StringComparer.Ordinal) { ["uses"] = 0.5, ["extends"] = 1, ["references"] = 0.25, ["inspires"] = 0.25 };

    private static readonly (string Key, string? Value)[] Settings =
    [
        .. Weights.Where(w => w.Key != "inspires").Select((w, i) => ($"Search:Across:DependencyWeights:{i}", (string?)$"{w.Key}={w.Value}")),
        ("Search:Across:DependencyWeights:9", "*=0.25"), ("Search:Across:HopShare", "0.5"), ("Search:Across:GroupWeight", "0.25"), ("Search:Across:SharedWeight", "0.5"),
    ];

    /// <summary>Everything at random: circles, dependencies on oneself, names that differ in case, memories without a project, hidden ones, shares taken back.</summary>
    private sealed record Land(
        (string Source, string Target, string Kind)[] Dependencies, (string Group, string Project)[] Members,
        (Guid Id, string? Project, bool Deleted, bool Superseded)[] Memories, (int Memory, string? Project, string? Group, bool Withdrawn)[] Shares,
        string Asking, int Hops, string[] Reasons, string Mode);

    [Fact]
    public async Task What_is_in_scope_is_found_with_its_strongest_reason_and_nothing_else_is()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: Settings);
        var space = await world.SpaceAsync();
        var (found, hidden) = (0, 0);
        foreach (var land in Lands().Sample(120, FilterLaws.Seed, 20))
        {
            await FillAsync(world.Database, space, land);
            var expected = Expected(land);

            var answer = await world.Host.Search.AcrossProjectsAsync(
                new ProjectSearchRequest { Query = "apple", Mode = land.Mode, ProjectId = land.Asking, Hops = land.Hops, Reasons = land.Reasons, Limit = SearchRequest.MaxLimit },
                TestContext.Current.CancellationToken);

            Assert.Equal(
                expected.OrderBy(e => e.Key).Select(e => (e.Key, e.Value)),
                answer.Hits.OrderBy(h => h.Id).Select(h => (h.Id, h.Scope!)));
            found += expected.Count;
            hidden += land.Memories.Length - expected.Count;
        }

        // A law about nothing holds always.
        Assert.True(found > 200 && hidden > 200, $"{found} found, {hidden} hidden");
    }

    private static Dictionary<Guid, HitScope> Expected(Land land)
    {
        var all = new Dictionary<Guid, HitScope>();
        var groups = land.Members.Where(m => m.Project == land.Asking).Select(m => m.Group).ToHashSet(StringComparer.Ordinal);
        var ways = Ways(land, land.Asking, 0, null, 1).ToLookup(w => w.Project, w => w.Scope, StringComparer.Ordinal);
        foreach (var (memory, i) in land.Memories.Select((m, i) => (m, i)).Where(m => m.m is { Deleted: false, Superseded: false }))
        {
            var reasons = new List<HitScope>();
            if (memory.Project == land.Asking)
            {
                reasons.Add(new HitScope("project", null, 0, 1));
            }
            else if (memory.Project is { } project)
            {
                reasons.AddRange(ways[project]);
                reasons.AddRange(land.Members.Where(m => m.Project == project && groups.Contains(m.Group)).Select(m => new HitScope("group", m.Group, 1, 0.25)));
            }

            reasons.AddRange(land.Shares
                .Where(s => s.Memory == i && !s.Withdrawn && (s.Project == land.Asking || s.Group is { } g && groups.Contains(g)))
                .Select(s => new HitScope("shared", s.Group, 1, 0.5)));
            if (reasons.Where(r => land.Reasons.Contains(r.Reason, StringComparer.Ordinal)).OrderByDescending(r => r.Weight).ThenBy(r => Array.IndexOf(Reasons, r.Reason))
                .ThenBy(r => r.Distance).ThenBy(r => r.Via, StringComparer.Ordinal).FirstOrDefault() is { } strongest)
            {
                all[memory.Id] = strongest;
            }
        }

        return all;
    }

    /// <summary>Every walk along dependencies, in either direction, as often around as the hops allow.</summary>
    private static IEnumerable<(string Project, HitScope Scope)> Ways(Land land, string at, int hops, string? via, double weight)
    {
        if (hops == land.Hops)
        {
            yield break;
        }

        foreach (var (source, target, kind) in land.Dependencies.Where(d => d.Source != d.Target && (d.Source == at || d.Target == at)))
        {
            var to = source == at ? target : source;
            var way = $"{(via is null ? "" : via + ", ")}{source} {kind} {target}";
            var left = weight * Weights[kind] * (hops == 0 ? 1 : 0.5);
            yield return (to, new HitScope("dependency", way, hops + 1, left));
            // Whoever is home again has come for nothing: from there every way is shorter.
            foreach (var further in to == land.Asking ? [] : Ways(land, to, hops + 1, way, left))
            {
                yield return further;
            }
        }
    }

    private static async Task FillAsync(TestDatabase database, EmbeddingSpace space, Land land)
    {
        await database.ExecuteAsync($"TRUNCATE memories, {space.Table}, insight_shares, project_dependencies, project_groups CASCADE");
        await database.ExecuteAsync(
            """
            INSERT INTO memories (id, memory_type, source_system, content, content_hash, project_id, occurred_at, deleted_at, superseded_by)
            SELECT m.id, 'insight', 'test', 'apple ' || m.id, '\x00', nullif(m.project, ''), now(), CASE WHEN m.deleted THEN now() END, CASE WHEN m.superseded THEN gen_random_uuid() END
            FROM unnest($1, $2, $3, $4) AS m(id, project, deleted, superseded)
            """,
            land.Memories.Select(m => m.Id).ToArray(), land.Memories.Select(m => m.Project ?? "").ToArray(), land.Memories.Select(m => m.Deleted).ToArray(), land.Memories.Select(m => m.Superseded).ToArray());
        // All of them equally near; a memory that is deleted has no vector any more.
        await database.ExecuteAsync($"""
            INSERT INTO {space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, project_id, repo_id, occurred_at)
            SELECT tenant_id, id, 0, array_fill(1, ARRAY[{space.Dimensions.ToString(CultureInfo.InvariantCulture)}])::real[]::halfvec, memory_type, source_system, project_id, repo_id, occurred_at
            FROM memories WHERE deleted_at IS NULL
            """);
        await database.ExecuteAsync(
            "INSERT INTO project_dependencies (id, source_project, target_project, dependency_type) SELECT gen_random_uuid()::text, d.* FROM unnest($1, $2, $3) AS d",
            land.Dependencies.Select(d => d.Source).ToArray(), land.Dependencies.Select(d => d.Target).ToArray(), land.Dependencies.Select(d => d.Kind).ToArray());
        await database.ExecuteAsync("INSERT INTO project_groups (id, name) SELECT g, g FROM unnest($1) AS g", (object)Groups);
        await database.ExecuteAsync(
            "INSERT INTO project_group_members (group_id, project_id) SELECT m.* FROM unnest($1, $2) AS m ON CONFLICT DO NOTHING",
            land.Members.Select(m => m.Group).ToArray(), land.Members.Select(m => m.Project).ToArray());
        await database.ExecuteAsync(
            """
            INSERT INTO insight_shares (memory_id, project_id, group_id, withdrawn_at)
            SELECT s.id, nullif(s.project, ''), nullif(s.shared_group, ''), CASE WHEN s.withdrawn THEN now() END FROM unnest($1, $2, $3, $4) AS s(id, project, shared_group, withdrawn) ON CONFLICT DO NOTHING
            """,
            land.Shares.Select(s => land.Memories[s.Memory].Id).ToArray(), land.Shares.Select(s => s.Project ?? "").ToArray(), land.Shares.Select(s => s.Group ?? "").ToArray(),
            land.Shares.Select(s => s.Withdrawn).ToArray());
    }

    private static Gen<Land> Lands()
    {
        var name = Gen.Elements(Names);
        var rarely = Gen.Elements(false, false, false, true);
        var dependency = from source in name from target in name from kind in Gen.Elements(Kinds) select (source, target, kind);
        var member = from @group in Gen.Elements(Groups) from project in name select (@group, project);
        var memory = from number in Gen.Choose(int.MinValue, int.MaxValue)
                     from place in Gen.Elements<string?>([.. Names, null])
                     from deleted in rarely
                     from superseded in rarely
                     select (number, place, deleted, superseded);
        var share = from which in Gen.Choose(0, 11)
                    from toGroup in Gen.Elements(true, false)
                    from project in name
                    from @group in Gen.Elements(Groups)
                    from withdrawn in rarely
                    select (which, toGroup ? null : project, toGroup ? @group : null, withdrawn);
        return from dependencies in Some(dependency, 0, 7)
               from members in Some(member, 0, 6)
               from memories in Some(memory, 12, 24)
               from shares in Some(share, 0, 8)
               from asking in name
               from hops in Gen.Choose(1, 3)
               from reasons in Gen.Frequency((2, Gen.Constant(Reasons)), (1, Some(Gen.Elements(Reasons), 1, 2)))
               from mode in Gen.Elements<string>([.. SearchModes.All])
               select new Land(
                   dependencies, members, [.. memories.Select((m, i) => (new Guid(i, 0, 0, [.. BitConverter.GetBytes(m.number), 0, 0, 0, 1]), m.place, m.deleted, m.superseded))],
                   shares, asking, hops, reasons, mode);
    }

    private static Gen<T[]> Some<T>(Gen<T> of, int least, int most) => from length in Gen.Choose(least, most) from items in Gen.ArrayOf(of, length) select items;
}
