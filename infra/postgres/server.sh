# shellcheck shell=bash disable=SC2154,SC2015
# Sourced by local.sh: the life of the private server, from its data folder to its end.

# The process of the server that owns the data folder, if it lives. Not pg_ctl: after a reboot or kill -9 the pid in
# postmaster.pid may be anyone's, and pg_ctl would call that running. Asked as the server's account, because root in a
# container may not look into processes of others.
server_pid() {
    local pid
    { read -r pid < "$data/postmaster.pid"; } 2> /dev/null || return 1
    [[ $pid =~ ^[0-9]+$ ]] && [ "$(as_server readlink "/proc/$pid/cwd" 2> /dev/null)" = "$data" ] &&
        grep -qa postgres "/proc/$pid/cmdline" 2> /dev/null && echo "$pid"
}
# Line 4 of postmaster.pid is the port of the running server, line 8 its state.
pid_file_line() { sed -n "${1}s/ *\$//p" "$data/postmaster.pid" 2> /dev/null; }

# What a killed server leaves: a pid file and, for as long as their statement takes, processes that still write.
clear_leftovers() {
    local pids n
    [ -e "$data/postmaster.pid" ] || return 0
    say "the server did not end properly the last time; clearing up after it"
    for ((n = 0; n < 100; n++)); do
        pids=$(as_server find /proc -maxdepth 2 -name cwd -printf '%h %l\n' 2> /dev/null | D=$data awk '{ p = $1; sub(/^[^ ]* /, "") } $0 == ENVIRON["D"] { sub("/proc/", "", p); print p }' || :)
        [ -n "$pids" ] || { as_server rm -f "$data/postmaster.pid"; return; }
        # shellcheck disable=SC2086
        [ $((n % 20)) != 10 ] || as_server kill -QUIT $pids 2> /dev/null || :
        sleep 0.1
    done
    die "processes of the server that was killed still run: $(echo "$pids" | tr '\n' ' ')"
}

# True where something listens on the port, on whatever address: state 0A in the kernel's tables.
port_taken() { grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F]*:0000 0A" /proc/net/tcp /proc/net/tcp6 2> /dev/null; }

# The port is kept from start to start. The first is below the range that systems give to outgoing connections.
# $1: a port that could not be had, whatever the kernel's tables say.
choose_port() {
    local kept refused=${1:-}
    kept=$(cat "$home/port" 2> /dev/null || :) port=${fixed_port:-${kept:-28686}}
    if [ "$port" = "$refused" ] || port_taken "$port"; then
        [ -z "$fixed_port" ] || die "port $port is taken by another program"
        while [ "$port" = "$refused" ] || port_taken "$port"; do port=$((port + 1)); done
        [ -z "$kept" ] || say "port $kept is taken by another program; the server now uses $port"
    fi
    [ "$port" = "$kept" ] || { echo "$port" > "$home/port.new"; mv "$home/port.new" "$home/port"; }
}

# Sized for a laptop that does other things too: an eighth of what memory this system, or its container, has.
settings() {
    local total limit share
    total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
    limit=$(cat /sys/fs/cgroup/memory.max 2> /dev/null || echo max)
    [[ ! $limit =~ ^[0-9]+$ ]] || [ $((limit / 1048576)) -ge "$total" ] || total=$((limit / 1048576))
    share=$((total / 8)); share=$((share < 64 ? 64 : share > 1024 ? 1024 : share))
    cat << CONF
# Written at every start. Your own settings go into local.conf beside this file; they win.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''            # their paths are limited to 107 characters
max_connections = 120                   # the pools of all services together take 50; tests and tools take some
shared_buffers = ${share}MB
maintenance_work_mem = ${share}MB       # a vector index is built several times faster where it fits
max_parallel_maintenance_workers = 0    # pgvector before 0.8.2 can overrun a buffer in a parallel index build
jit = off                               # its libraries are not unpacked
effective_cache_size = $((total / 2))MB
random_page_cost = 1.1
wal_level = minimal                     # no replicas of this server: bulk loads and index builds write less
max_wal_senders = 0
max_wal_size = 4GB
timezone = 'GMT'                        # the one zone that is known without the host's zone files
log_timezone = 'GMT'
CONF
}

create_cluster() {
    [ ! -s "$data/PG_VERSION" ] || return 0
    say "creating the data folder $data"
    rm -rf "$data.new" "$home/initdb.password"
    mkdir -m 700 "$data.new"
    (umask 077; head -c 24 /dev/urandom | base64 | tr -d '/+=\n' > "$home/password"; cp "$home/password" "$home/initdb.password")
    [ "$server_uid" = "$EUID" ] || chown "$server_uid:$server_gid" "$data.new" "$home/initdb.password"
    as_server "$bin/initdb" -D "$data.new" -U postgres -A scram-sha-256 --pwfile="$home/initdb.password" \
        -E UTF8 --locale-provider=builtin --locale=C.UTF-8 > "$home/initdb.log" 2>&1 9>&- ||
        { rm -rf "$data.new" "$home/initdb.password"; tail -n 5 "$home/initdb.log" >&2; die "the data folder could not be created"; }
    as_server tee -a "$data.new/postgresql.conf" > /dev/null <<< $'include = \'mahavishnu.conf\'\ninclude = \'local.conf\''
    as_server tee "$data.new/local.conf" > /dev/null <<< '# Settings of your own: they win over mahavishnu.conf, and are yours to keep.'
    mv "$data.new" "$data"
    rm -f "$home/initdb.password" "$home/initdb.log"
}

# Ready for a start: nothing left of an earlier one, a free port, today's settings, an empty log.
prepare_start() {
    clear_leftovers
    choose_port "${1:-}"
    settings | as_server tee "$data/mahavishnu.conf" > /dev/null
    [ ! -e "$data/server.log" ] || as_server mv "$data/server.log" "$data/server.log.1"
}
start() {
    local attempt refused=''
    for attempt in 1 2 3; do
        prepare_start "$refused"
        # The wait is long because a server that was killed first replays what it had written ahead.
        as_server "$bin/pg_ctl" -D "$data" -o "-p $port" -l "$data/server.log" -w -t 600 start > /dev/null 2>&1 < /dev/null 9>&- && return
        # Lost a race for the port between the look and the bind: look again.
        [ "$attempt" -lt 3 ] && [ -z "$fixed_port" ] && grep -q 'Address already in use' "$data/server.log" 2> /dev/null || break
        refused=$port
    done
    tail -n 8 "$data/server.log" >&2 || :
    die "the private server did not start (log: $data/server.log)"
}
stop() { as_server "$bin/pg_ctl" -D "$data" -m fast -w -t 120 stop > /dev/null 2>&1 9>&- || die "the private server did not stop within 120 s (log: $data/server.log)"; }
await_ready() {
    local n
    for ((n = 0; n < 6000; n++)); do
        case $(pid_file_line 8) in ready) port=$(pid_file_line 4); return ;; esac
        if [ "$n" -gt 50 ] && ! server_pid > /dev/null; then die "the private server ended while starting (log: $data/server.log)"; fi
        sleep 0.1
    done
    die "the private server is not ready after 10 minutes (log: $data/server.log)"
}
