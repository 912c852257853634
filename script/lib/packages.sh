# Debian packages on demand. Sourced after common.sh.
#   packages NAME...   installs those of the packages that are missing
#   download FOLDER NAME...   fetches packages as files, without installing them
#   archive 0|1        prints the address of the archive that apt uses: of Debian itself, of its security updates

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
        sudo "$@"
    else
        die "packages are missing and this is neither root nor a user with sudo: run as root: apt-get install ${missing[*]}"
    fi
}

# Three attempts, because mirrors and the lock of another apt come and go.
attempt() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        ((try == 3)) || { note "attempt $try of '$1 ${2:-}' failed, trying again"; sleep $((try * 3)); }
    done
    return 1
}

installed() {
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]
}

# Once per run and not again within the hour: a fresh machine has no package lists, others have old ones.
refresh_package_lists() {
    local stamp=$root/target/apt-lists-refreshed
    if [[ -n $(find "$stamp" -mmin -60 2>/dev/null) ]] && compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
        return 0
    fi
    note 'apt-get update'
    attempt as_root apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 update >/dev/null \
        || die 'apt-get update failed three times: check the network and /etc/apt'
    mkdir -p "$root/target"
    touch "$stamp"
}

packages() {
    command -v apt-get >/dev/null || die "this script installs packages with apt-get, which Debian 12 and 13 have and this system has not: install by hand: $*"
    local name
    missing=()
    for name in "$@"; do
        installed "$name" || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    step "Installing ${missing[*]}"
    as_root true
    refresh_package_lists
    attempt as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
        --no-install-recommends install "${missing[@]}" 2>&1 \
        | { grep --line-buffered -E '^(Get:[0-9]*0 |E:|Need to get)' || true; } | sed -u 's/^/        /' \
        || die "apt-get could not install: ${missing[*]}"
    for name in "${missing[@]}"; do
        installed "$name" || die "apt-get did not install $name"
    done
}

download() {
    local folder=$1
    shift
    mkdir -p "$folder"
    (cd "$folder" && attempt apt-get -q -o APT::Sandbox::User=root download "$@") || die "apt-get could not download: $*"
}

archive() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' \
        | awk -v security="$1" '($2 ~ /-security/) == security && $1 ~ /debian/ { print $1; exit }'
}
