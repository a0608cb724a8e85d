# shellcheck shell=bash disable=SC2154,SC2015,SC2001
# Sourced by local.sh: fetches PostgreSQL and pgvector as packages and unpacks them into a folder of our own.
#
# No host is named here. The packages come from the mirror that this machine's own apt sources name, only from a suite
# that has a PostgreSQL and a pgvector new enough; apt checks the signatures. The machine's package lists, cache and
# database stay as they are, so an ordinary user may do this, and nothing is compiled.

min_vector=0.8 # iterative index scans came with it; without them a filtered search silently loses rows

# Prints "URI<TAB>keyring" for every source that serves this machine's own release, in both notations of apt.
mirrors() {
    local codename file
    # shellcheck disable=SC1091,SC2153
    codename=$(. /etc/os-release; echo "${UBUNTU_CODENAME:-${DEBIAN_CODENAME:-${VERSION_CODENAME:-}}}")
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        awk -v own="$codename" 'BEGIN { RS = ""; FS = "\n" } {
            uri = ""; key = ""; deb = 0; suite = 0; main = 0; on = 1
            for (i = 1; i <= NF; i++) {
                n = split($i, w, /[ \t]+/); field = tolower(w[1])
                for (j = 2; j <= n; j++) {
                    if (field == "types:" && w[j] == "deb") deb = 1
                    if (field == "components:" && w[j] == "main") main = 1
                    if (field == "suites:" && (w[j] == own || w[j] == "stable" || w[j] == "oldstable")) suite = 1
                }
                if (field == "uris:") uri = w[2]
                if (field == "signed-by:") key = w[2]
                if (field == "enabled:" && tolower(w[2]) == "no") on = 0
            }
            if (deb && suite && main && on && uri != "") print uri "\t" key
        }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        # deb [signed-by=/a/keyring option=value] URI suite component...
        awk -v own="$codename" '$1 == "deb" {
            key = ""; i = 2
            if ($2 ~ /^\[/) for (; i <= NF; i++) {
                if ($i ~ /signed-by=/) { key = $i; sub(/.*signed-by=/, "", key); sub(/[],].*/, "", key) }
                if ($i ~ /\]$/) { i++; break }
            }
            main = 0; for (j = i + 2; j <= NF; j++) if ($j == "main") main = 1
            s = $(i + 1)
            if (main && (s == own || s == "stable" || s == "oldstable")) print $i "\t" key
        }' "$file"
    done
}

# Where a source names no keyring: the distribution's own.
distribution_keyring() {
    local key
    for key in /usr/share/keyrings/{debian,ubuntu}-archive-keyring.{gpg,pgp}; do
        [ -e "$key" ] && { echo "$key"; return; }
    done
    return 0
}

# Suites worth asking for, newest habit last. A suite that the mirror does not serve costs one request.
suites() {
    # shellcheck disable=SC1091
    if [ -n "${MAHAVISHNU_POSTGRES_SUITE:-}" ]; then echo "$MAHAVISHNU_POSTGRES_SUITE"
    elif (. /etc/os-release; case " ${ID:-} ${ID_LIKE:-} " in *" ubuntu "*) ;; *) false ;; esac); then echo "questing plucky"
    else echo trixie; fi
}

# apt with every path of its own. An empty package database makes it name all that a server needs, whatever is installed here.
private_apt() {
    local tool=$1; shift
    "$tool" -c "$work/apt.conf" \
        -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$work/none" \
        -o Dir::State="$work/state" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o APT::Sandbox::User= -o APT::Default-Release= \
        -o Acquire::AllowInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false \
        -o Acquire::Languages=none -o Acquire::Retries=3 \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}

# Finds a source and a suite that have both packages; leaves apt's lists ready in $work and prints the packages to fetch.
choose_packages() {
    local suite uri key found version components problem='no apt source serves the release of this machine'
    while IFS=$'\t' read -r uri key; do
        key=${key:-$(distribution_keyring)}
        for suite in $(suites); do
            say "reading suite $suite of this machine's package mirror"
            components=main; [ "$suite" = trixie ] || components='main universe'
            printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n%s\n' \
                "$uri" "$suite" "$components" "${key:+Signed-By: $key}" > "$work/sources/own.sources"
            if ! private_apt apt-get -qq update > "$work/log" 2>&1; then
                problem="the mirror does not serve suite $suite: $(tail -n 1 "$work/log")"; continue
            fi
            found=$(private_apt apt-get -qq -y --no-install-recommends --print-uris install \
                "postgresql-$major" "postgresql-$major-pgvector" 2>"$work/log" | awk '{ print $2 }') || found=
            version=$(sed -n "s/^postgresql-$major-pgvector_\(%3a\)\{0,1\}\([0-9.]*\).*/\2/p" <<< "$found")
            [ -n "$version" ] || { problem="suite $suite has no pgvector for PostgreSQL $major"; continue; }
            at_least "$version" "$min_vector" ||
                { problem="suite $suite has pgvector $version; Mahavishnu needs $min_vector or newer"; continue; }
            # Less what a server never loads that runs without JIT, without Debian's cluster scripts and without locales of its own.
            sed 's/_.*//' <<< "$found" |
                grep -E "^(postgresql-$major.*|postgresql-client-$major|lib.*|zlib1g)\$" |
                grep -vE 'llvm|libz3|perl|debconf|semanage|sepol|gdbm|libdb5|libc-bin|libc-l10n|pam-|proc2'
            return
        done
    done < <(mirrors)
    missing "$problem"
}

# Each program runs with the C library that came with it: the packages may be newer than this system.
# --argv0 matters: PostgreSQL finds its share and lib folders, and its other programs, relative to argv[0].
wrap_programs() {
    local root=$1 loader libraries program
    loader=$(find "$root" -name 'ld-linux*.so.*' -print -quit)
    libraries=$(find "$root" -name 'libc.so.6' -printf '%h\n' -quit)
    [ -n "$loader" ] && [ -n "$libraries" ] || die "the packages hold no C library"
    loader=${loader#"$root"/} libraries=${libraries#"$root"/}
    for program in "$root/usr/lib/postgresql/$major/bin"/*; do
        [ "$(head -c 4 "$program" | tail -c 3)" = ELF ] || continue
        mv "$program" "$program.real"
        cat > "$program" <<WRAPPER
#!/bin/sh
self=\$(readlink -f "\$0"); root=\${self%/usr/lib/postgresql/*}
exec "\$root/$loader" --argv0 "\$self" --library-path "\$root/$libraries" "\$self.real" "\$@"
WRAPPER
        chmod 755 "$program"
    done
}

# Unpacks into a folder beside the final one and renames it: the final one is there whole or not at all.
unpack() {
    local packages root deb version # work is not local: the trap needs it
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || missing "this system has no apt"
    rm -rf "$home"/unpacking.*
    work=$home/unpacking.$$ root=$home/unpacking.$$/root
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/{sources,none,state,lists/partial,cache/archives/partial,debs,root}
    : > "$work/status"
    # The system's own hooks (such as one that empties its package cache) are not for this.
    printf '#clear APT::Update::%s;\n' Pre-Invoke Post-Invoke Post-Invoke-Success > "$work/apt.conf"

    packages=$(choose_packages) || exit $?
    say "fetching $(wc -w <<< "$packages") packages"
    # shellcheck disable=SC2086
    (cd "$work/debs" && private_apt apt-get -qq download $packages > "$work/log" 2>&1) ||
        missing "the packages could not be fetched: $(tail -n 1 "$work/log")"
    for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
    rm -rf "$root"/usr/share/{doc,man,locale} "$root/usr/lib/postgresql/$major/lib"/{llvmjit*,bitcode}
    wrap_programs "$root"
    version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$root/usr/share/postgresql/$major/extension/vector.control")
    at_least "$version" "$min_vector" || die "the packages hold pgvector $version; Mahavishnu needs $min_vector or newer"
    { echo "$version"; "$root/usr/lib/postgresql/$major/bin/postgres" -V | awk '{ print $3 }'; } > "$root/versions"
    chmod 755 "$work" "$root"

    [ ! -e "$prefix" ] || mv "$prefix" "$work/replaced"
    mv "$root" "$prefix"
    rm -rf "$work"; trap - EXIT
}
