# Finds a JDK 25 and exports JAVA_HOME and PATH. Sourced after common.sh and packages.sh.

is_jdk_25() {
    [[ -x $1/bin/javac && -r $1/release ]] && grep -q '^JAVA_VERSION="25[."]' "$1/release"
}

find_jdk_25() {
    local home
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        if [[ -n $home ]] && is_jdk_25 "$home"; then
            printf '%s\n' "$home"
            return 0
        fi
    done
    return 1
}

java_25() {
    local home
    if ! home=$(find_jdk_25); then
        missing=(openjdk-25-jdk-headless)
        as_root true
        refresh_package_lists
        if [[ -z $(apt-cache show openjdk-25-jdk-headless 2>/dev/null) ]]; then
            die 'Vireo needs a JDK 25 and this distribution has no package of it: unpack one (for example Eclipse Temurin 25) under /usr/lib/jvm, or set JAVA_HOME to it.'
        fi
        packages openjdk-25-jdk-headless
        home=$(find_jdk_25) || die 'openjdk-25-jdk-headless is installed, yet no JDK 25 is under /usr/lib/jvm'
    fi
    export JAVA_HOME=$home
    export PATH=$home/bin:$PATH
}
