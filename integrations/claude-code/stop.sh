#!/usr/bin/env bash
# Claude Code, Stop and SessionEnd: the transcript's new turns are stored as a conversation. Each is known by its uuid, so that none is stored twice,
# however often it is sent; how far the transcript was stored is remembered only to send less. One request of two seconds at most, 200 turns at a time:
# what is left goes with the next one. Without a server nothing happens, and nothing is lost as long as the transcript is there.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

session=$(field session_id)
transcript=$(field transcript_path)
case $session in '' | *[!A-Za-z0-9._-]* | .*) exit 0 ;; esac
[ -f "$transcript" ] || exit 0

state=${XDG_STATE_HOME:-$HOME/.local/state}/mahavishnu/claude-code
mark=$state/$session
from=$(head -c 12 "$mark" 2> /dev/null)
case $from in '' | *[!0-9]*) from=0 ;; esac
# Only lines that were written to their end.
total=$(($(wc -l < "$transcript")))
[ "$from" -le "$total" ] || from=0
[ "$from" -lt "$total" ] || exit 0

# {"type":"user","uuid":"…","timestamp":"…","message":{"role":"user","content":"…"}} or "content":[{"type":"text","text":"…"},{"type":"tool_use",…}].
# What people and the model said to each other; not what tools printed, what the client inserted, or what sub-agents did.
turns=$(sed -n "$((from + 1)),${total}p" "$transcript" | jq -Rnc --argjson from "$from" --argjson total "$total" '
    def said: if type == "string" then . elif type == "array" then [.[] | select(type == "object" and .type == "text") | .text | strings] | join("\n\n") else "" end;
    [inputs | {line: (input_line_number + $from), turn: (fromjson? // null)}
        | select((.turn | type) == "object") | select(.turn | (.type == "user" or .type == "assistant") and .isSidechain != true and .isMeta != true and (.uuid | type) == "string")
        | .line as $line | .turn | {line: $line, role: .type, content: (.message.content? | said | .[0:200000]), clientId: .uuid, occurredAt: (.timestamp? // null)}
        | select(.content | test("\\S") and (test("^\\s*<(command-name|command-message|local-command-|system-reminder)") | not))]
    | {next: (if length > 200 then .[199].line else $total end), messages: [.[0:200][] | del(.line)]}' 2> /dev/null) || exit 0
next=$(printf '%s' "$turns" | jq -r '.next')
case $next in '' | *[!0-9]*) exit 0 ;; esac

if [ "$(printf '%s' "$turns" | jq '.messages | length')" -gt 0 ]; then
    body=$(printf '%s' "$turns" | jq -c --arg project "$(project)" '{agentId: "claude-code", source: "claude-code", messages} + if $project == "" then {} else {projectId: $project} end')
    call 2 POST "/conversations/$session/messages" "$body" > /dev/null || exit 0
fi

mkdir -p "$state" && printf '%s\n' "$next" > "$mark.$$" && mv -f "$mark.$$" "$mark"
exit 0
