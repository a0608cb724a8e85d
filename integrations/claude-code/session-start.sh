#!/usr/bin/env bash
# Claude Code, SessionStart: what was concluded and decided in this project before becomes context of the new session.
# Two requests of a second at most; without a server nothing happens.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

project=$(project)
[ -n "$project" ] || exit 0

insights=$(call 1 GET "/memories?type=insight&limit=5&projectId=$(jq -rn --arg v "$project" '$v | @uri')") || exit 0
known=$(call 1 POST /search "$(jq -nc --argjson filter "$(scope "$project" "")" \
    '{query: "decision and its reason, convention, preference, open problem", types: ["agent", "insight", "workflow"], limit: 10, halfLife: "30d", filter: $filter}')") || known='{}'
printf '%s\n%s' "$insights" "$known" | jq -sc '(.[0].items // []) + (.[1].hits // []) | reduce .[] as $m ([]; if any(.[]; .id == $m.id) then . else . + [$m] end)' 2> /dev/null \
    | context SessionStart "What is stored about the project $project follows, the tool search_memories finds more."
exit 0
