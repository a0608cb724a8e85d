#!/usr/bin/env bash
# Claude Code, SessionStart: what went on in this project, and what was concluded and decided in it before, becomes context of the new session.
# Three requests of a second at most, two of them at once; without a server nothing happens.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

project=$(project)
[ -n "$project" ] || exit 0
name=$(jq -rn --arg v "$project" '$v | @uri')

exec 3< <(call 1 GET "/projects/$name/overview?weeks=4")
insights=$(call 1 GET "/memories?type=insight&limit=5&projectId=$name") || exit 0
overview=$(cat <&3)
known=$(call 1 POST /search "$(jq -nc --argjson filter "$(scope "$project" "")" \
    '{query: "decision and its reason, convention, preference, open problem", types: ["agent", "insight", "workflow"], limit: 10, halfLife: "30d", filter: $filter}')") || known='{}'

# {"since":"2026-01-05T…","activity":{"sessions":3,…},"patterns":{"failedWorkflows":[{"workflowId":"…","failed":1,"runs":2,"lastError":"…"}],…},"gaps":[{"question":"…","asked":2,…}]}
# becomes a few short lines, in a quarter of the room at most: what is stored matters more than how much there is.
recent=$(printf '%s' "$overview" | jq -c --argjson bytes $((tokens * 3 / 4)) '
    def short: tostring | gsub("\\s+"; " ") | if length > 160 then .[0:160] + "…" else . end;
    def times: "\(.) \(if . == 1 then "time" else "times" end)";
    [(select((.activity.sessions // 0) > 0) | "Conversations since \(.since[0:10]): \(.activity.sessions)"),
        ((.patterns.failedWorkflows // [])[0:3][] | "The workflow \(.workflowId | short) failed \(.failed | times) of \(.runs)\(if .lastError then ", the last time with: \(.lastError | short)" else "" end)"),
        ((.gaps // [])[0:3][] | "Asked \(.asked | times), and nothing good was found: \(.question | short)")]
    | reduce .[] as $line ([]; if ((map(.line) + [$line]) | join("\n") | utf8bytelength) <= $bytes then . + [{line: $line}] else . end)' 2> /dev/null)
[ -n "$recent" ] || recent='[]'

printf '%s\n%s\n%s' "$insights" "$known" "$recent" | jq -sc '.[2] + ((.[0].items // []) + (.[1].hits // []) | reduce .[] as $m ([]; if any(.[]; .id == $m.id) then . else . + [$m] end))' 2> /dev/null \
    | context SessionStart "What is stored about the project $project follows, the tool search_memories finds more."
exit 0
