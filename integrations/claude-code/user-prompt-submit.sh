#!/usr/bin/env bash
# Claude Code, UserPromptSubmit: what is stored about the prompt becomes context beside it, as far as the room goes.
# One request of two seconds at most; without a server nothing happens.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A question in plain words: quotes and dashes mean something to a search. Commands ("/clear") and a "yes" ask nothing.
query=$(field prompt | head -c 4000 | jq -Rsr 'gsub("[\u0000-\u001f\"-]"; " ") | gsub(" +"; " ") | ltrimstr(" ") | rtrimstr(" ") | .[0:2000]' 2> /dev/null)
case $query in '' | /*) exit 0 ;; esac
[ "$(printf '%s' "$query" | wc -w)" -ge 3 ] || exit 0

# This session's own turns are in front of the model already.
body=$(jq -nc --arg query "$query" --argjson filter "$(scope "$(project)" "$(field session_id)")" \
    '{query: $query, types: ["agent", "insight", "workflow"], limit: 6, filter: $filter}') || exit 0
call 2 POST /search "$body" | jq -c '.hits' 2> /dev/null | context UserPromptSubmit "What is stored that may bear on this prompt follows."
exit 0
