#!/usr/bin/env bash
# A private PostgreSQL + pgvector for this machine's memories: no container engine, no compiler, no root, nothing of the
# system touched. It listens on 127.0.0.1 only, under a random password, and never runs as root.
#
#   local.sh up [DATABASE] [--fresh] [--port N]   provision what is missing, start, create the database; prints its connection string
#   local.sh run [DATABASE] [--port N]            the same in the foreground, until it is told to end
#   local.sh down | status | version              stop; say whether it runs; versions of PostgreSQL and pgvector
#   local.sh url [DATABASE]                       the connection string, without starting anything
#   local.sh install [--again]                    provision only; --again fetches the newest packages of the same PostgreSQL
#   local.sh backup FILE [DATABASE] [--force]     pg_dump in custom format; --force replaces FILE
#   local.sh restore FILE [DATABASE] [--force]    into an empty database; --force replaces what the database holds
#   local.sh rm [--yes]                           stop and delete the server with all its databases
#
# DATABASE is "mahavishnu" where none is named. Standard output carries the answer alone, everything else goes to standard
# error, the password goes nowhere else. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 this machine offers no such server.
# State: $MAHAVISHNU_HOME/postgres, MAHAVISHNU_HOME being by default /var/lib/mahavishnu for root, else
# $XDG_DATA_HOME/mahavishnu or ~/.local/share/mahavishnu. Settings of one's own: local.conf in the data folder.
# shellcheck disable=SC2015 # A && B || die: die never returns
set -euo pipefail
umask 022
# What the caller's shell says about other servers, or loads into programs, is not for this one.
# shellcheck disable=SC2086
unset ${!PG@} LD_PRELOAD LD_LIBRARY_PATH
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2> /dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)

say() { printf 'mahavishnu: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
usage() { say "$*"; say "usage: local.sh up|run|down|status|version|url|install|backup FILE|restore FILE|rm  (the head of $here/local.sh says more)"; exit 2; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# The one instruction for the system at hand, where there is no private server to be had.
missing() {
    say "no private PostgreSQL here: $1"
    if [ "$(uname -s)" = Darwin ]; then
        say "run:  brew install postgresql@17 pgvector && brew services start postgresql@17 && \$(brew --prefix postgresql@17)/bin/createdb mahavishnu"
        say "then: export ConnectionStrings__mahavishnu=\"Host=localhost;Username=\$USER;Database=mahavishnu\""
    elif docker info > /dev/null 2>&1; then
        say "run:  docker run -d --name mahavishnu-postgres -p 127.0.0.1:5432:5432 -v mahavishnu:/var/lib/postgresql/data -e POSTGRES_DB=mahavishnu -e POSTGRES_PASSWORD=choose-one pgvector/pgvector:pg17"
        say "then: export ConnectionStrings__mahavishnu='Host=127.0.0.1;Username=postgres;Password=choose-one;Database=mahavishnu'"
    else
        say "give one that you have (PostgreSQL 15 or newer with pgvector 0.8 or newer): export ConnectionStrings__mahavishnu='Host=…;Username=…;Password=…;Database=mahavishnu'"
    fi
    exit 3
}

# ---- arguments

verb=${1:-}; [ $# -eq 0 ] || shift
database=mahavishnu file='' fixed_port='' fresh='' force='' again='' yes=''
case $verb in backup | restore)
    [ $# -gt 0 ] && [ "${1#--}" = "$1" ] || usage "$verb needs a FILE"
    case $1 in /*) file=$1 ;; *) file=$PWD/$1 ;; esac; shift ;;
esac
while [ $# -gt 0 ]; do
    case $verb:$1 in
        up:--fresh) fresh=1 ;;
        up:--port | run:--port | install:--port) [[ ${2:-} =~ ^[0-9]{1,5}$ ]] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || usage "--port needs a number from 1 to 65535"; fixed_port=$2; shift ;;
        install:--again) again=1 ;;
        backup:--force | restore:--force) force=1 ;;
        rm:--yes) yes=1 ;;
        up:[!-]* | run:[!-]* | url:[!-]* | backup:[!-]* | restore:[!-]*)
            [[ $1 =~ ^[a-z_][a-z0-9_]{0,62}$ ]] || usage "'$1' is no name for a database: lower-case letters, digits and _"
            case $1 in postgres | template0 | template1) usage "database $1 belongs to the server itself" ;; esac
            database=$1 ;;
        *) usage "$verb does not know '$1'" ;;
    esac
    shift
done
case $verb in up | run | down | status | version | url | install | backup | restore | rm) ;; '') usage "what to do?" ;; *) usage "'$verb' is no verb" ;; esac

# ---- where things are, and as whom the server runs

[ "$(uname -s)" = Linux ] || missing "it is for Linux systems with apt"
major=${MAHAVISHNU_POSTGRES_MAJOR:-17}
if [ -n "${MAHAVISHNU_HOME:-}" ]; then state=$MAHAVISHNU_HOME
elif [ "$EUID" = 0 ]; then state=/var/lib/mahavishnu
else state=${XDG_DATA_HOME:-${HOME:?is not set: set HOME or MAHAVISHNU_HOME}/.local/share}/mahavishnu; fi
home=$(readlink -m -- "$state/postgres")
case $home in *[:$'\n']*) die "MAHAVISHNU_HOME must not contain a colon or a line break: $state" ;; esac
prefix=$home/server-$major bin=$home/server-$major/usr/lib/postgresql/$major/bin data=$home/data-$major
cd / # wherever the caller stands, the server's account may not enter

# PostgreSQL refuses to run as root. A data folder that exists says by its owner who runs it.
server_uid=$EUID server_gid=$(id -g)
choose_account() {
    [ "$EUID" = 0 ] || return 0
    local name=mahavishnu-pg
    if [ -d "$data" ] && [ "$(stat -c %u "$data")" != 0 ]; then
        server_uid=$(stat -c %u "$data") server_gid=$(stat -c %g "$data"); return
    fi
    getent passwd $name > /dev/null ||
        useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin $name > /dev/null 2>&1 || name=nobody
    server_uid=$(id -u $name) server_gid=$(id -g $name)
}
as_server() {
    if [ "$server_uid" = "$EUID" ]; then "$@"
    else setpriv --reuid="$server_uid" --regid="$server_gid" --clear-groups env -i PATH=/usr/bin:/bin HOME=/ LC_ALL=C "$@"; fi
}

# Says early, before anything is made or fetched, that a home cannot work.
check_home() {
    local folder=$home
    [ ! -d "$data" ] || [ "$EUID" = 0 ] || [ -O "$data" ] ||
        die "the private server in $home belongs to account $(stat -c %U "$data"): use that account, or set MAHAVISHNU_HOME"
    as_server true || die "cannot act as the server's account (uid $server_uid): this container may not change accounts"
    until [ -d "$folder" ]; do folder=$(dirname "$folder"); done
    while [ "$folder" != / ]; do
        as_server test -x "$folder" || die "the server never runs as root, and its account $(id -un "$server_uid" 2> /dev/null || echo "$server_uid") cannot enter $folder: set MAHAVISHNU_HOME to a folder outside of private ones such as /root"
        folder=$(dirname "$folder")
    done
    mkdir -p "$home" 2> /dev/null && [ -w "$home" ] || die "cannot write to $home: set MAHAVISHNU_HOME to a folder of your own"
}

# One change at a time: a second call waits, and then finds the work done. The server must not inherit the lock (9>&-).
lock() {
    exec 9> "$home/lock"
    flock -n 9 || { say "another call is at work on the private server; waiting for it"; flock -w 600 9 || die "it did not end within 10 minutes (lock: $home/lock)"; }
}

# ---- from nothing to a running server

# shellcheck source=SCRIPTDIR/server.sh
. "$here/server.sh"

provision() {
    check_home; lock
    if [ -n "$again" ] && server_pid > /dev/null; then die "stop the server first: down"; fi
    # shellcheck source=SCRIPTDIR/unpack.sh
    if [ ! -e "$prefix/versions" ] || [ -n "$again" ]; then . "$here/unpack.sh"; unpack; fi
    create_cluster
}

# ---- databases

client() { local program=$1; shift; PGPASSWORD=$(< "$home/password") "$bin/$program" -h 127.0.0.1 -p "$port" -U postgres "$@"; }
sql() { local on=$1; shift; client psql -d "$on" -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=terse "$@" 9>&-; }
exists() { [ "$(sql postgres -c "select 1 from pg_database where datname = '$1'")" = 1 ]; }
url() { printf 'Host=127.0.0.1;Port=%s;Username=postgres;Password=%s;Database=%s\n' "$port" "$(< "$home/password")" "$database"; }

ensure_database() {
    local wanted has versions
    mapfile -t versions < "$prefix/versions"; wanted=${versions[0]}
    [ -z "$fresh" ] || sql postgres -c "drop database if exists \"$database\" with (force)" 2> /dev/null
    # The usual case costs one connection: the database is there with the extension of the packages.
    has=$(sql "$database" -c "select extversion from pg_extension where extname = 'vector'" 2> /dev/null) || has=none
    if [ "$has" != "$wanted" ]; then
        exists "$database" || sql postgres -c "create database \"$database\" template template0"
        sql "$database" -c 'set client_min_messages = warning' -c 'create extension if not exists vector' -c 'alter extension vector update'
    fi
    say "private PostgreSQL ${versions[1]} with pgvector $wanted on 127.0.0.1:$port, database $database"
}

ensure_running() {
    provision
    if server_pid > /dev/null; then
        await_ready
        [ -z "$fixed_port" ] || [ "$fixed_port" = "$port" ] || die "the private server already runs on port $port: down first"
    else start; fi
}

run_in_foreground() {
    local pid log=''
    if pid=$(server_pid); then
        await_ready; ensure_database; exec 9>&-
        say "the server runs already and goes on when this ends"
        trap 'exit 0' TERM INT HUP
        while [ -d "/proc/$pid" ]; do sleep 1 & wait $! || :; done
        die "the private server ended"
    fi
    prepare_start
    trap 'pid=$(server_pid) && as_server kill -INT "$pid"' TERM INT HUP # INT to PostgreSQL: end now, in order
    as_server "$bin/postgres" -D "$data" -p "$port" 1>&2 < /dev/null 9>&- & log=$!
    while [ "$(pid_file_line 8)" != ready ]; do kill -0 $log 2> /dev/null || die "the private server did not start"; sleep 0.1; done
    ensure_database; exec 9>&-
    while kill -0 $log 2> /dev/null; do wait $log || :; done
}

restore() {
    local incoming=${database}_incoming tables
    [ -r "$file" ] || die "cannot read $file"
    "$bin/pg_restore" -l "$file" > /dev/null 2>&1 || die "$file is no backup in PostgreSQL's custom format"
    tables=$(sql "$database" -c "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'")
    [ "$tables" = 0 ] || [ -n "$force" ] || die "database $database is not empty ($tables tables): --force replaces all that it holds by the backup"
    # Restored beside the old one and renamed at the end: a backup that cannot be restored costs nothing.
    sql postgres -c "drop database if exists \"$incoming\" with (force)" -c "create database \"$incoming\" template template0" 2> /dev/null
    client pg_restore --exit-on-error --no-owner -d "$incoming" "$file" 9>&- ||
        { sql postgres -c "drop database \"$incoming\" with (force)"; die "the backup could not be restored; database $database is as it was"; }
    sql postgres -c "drop database \"$database\" with (force)" -c "alter database \"$incoming\" rename to \"$database\""
    say "restored database $database from $file"
}

backup() {
    [ ! -e "$file" ] || [ -n "$force" ] || die "$file exists: --force replaces it"
    [ -d "$(dirname "$file")" ] || die "there is no folder $(dirname "$file")"
    exists "$database" || die "there is no database $database"
    (umask 077; client pg_dump -Fc -d "$database" -f "$file.part" 9>&-) || { rm -f "$file.part"; die "the backup failed"; }
    mv "$file.part" "$file"
    say "database $database is in $file ($(du -h "$file" | cut -f 1))"
}

# ---- verbs

there() { [ -s "$data/PG_VERSION" ] && [ -e "$prefix/versions" ] || die "there is no private server in $home yet: up makes one"; }
choose_account
case $verb in
    up) ensure_running; ensure_database; url ;;
    run) provision; run_in_foreground ;;
    install) provision; server_pid > /dev/null || choose_port ;;
    url) there; port=$(cat "$home/port"); if server_pid > /dev/null; then port=$(pid_file_line 4); else say "the private server is not running"; fi; url ;;
    version) there; mapfile -t versions < "$prefix/versions"; echo "PostgreSQL ${versions[1]}, pgvector ${versions[0]}" ;;
    status)
        there
        if pid=$(server_pid); then echo "running on 127.0.0.1:$(pid_file_line 4), process $pid, data in $data"
        else echo "not running, data in $data"; exit 1; fi ;;
    down)
        if [ ! -d "$data" ]; then say "there is no private server in $home"; else
            lock
            if server_pid > /dev/null; then stop; say "the private server is stopped"; else say "the private server is not running"; fi
        fi ;;
    backup) there; ensure_running; backup ;;
    restore) [ -r "$file" ] || die "cannot read $file"; ensure_running; ensure_database; restore ;;
    rm)
        if [ ! -d "$home" ]; then say "there is no private server in $home"; exit 0; fi
        if [ -z "$yes" ]; then
            [ -t 0 ] || die "this deletes the private server and every memory in $home: say so with --yes"
            read -r -p "Delete the private server and every memory in $home? Type yes: " answer; [ "$answer" = yes ] || die "nothing deleted"
        fi
        lock
        if server_pid > /dev/null; then stop; fi
        # Only what this script made: the home may hold other things.
        rm -rf "$home"/server-[0-9]* "$home"/data-[0-9]* "$home"/unpacking.* "$home"/{port,port.new,password,initdb.password,initdb.log,lock}
        rmdir "$home" 2> /dev/null || :
        say "the private server in $home is deleted" ;;
esac
