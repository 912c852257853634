# Runs Maven with readable progress. Sourced after common.sh, packages.sh and java.sh.
#   maven LOG ARGUMENT...   all output goes to LOG; modules, tests, downloads and errors are shown

maven() {
    local log=$1 status=0
    shift
    command -v mvn >/dev/null || packages maven
    java_25
    mkdir -p "$(dirname "$log")"
    # The collector has one thread, since the tests need the processors. Without the rest the distribution's Maven warns at
    # each start on JDK 25 about libraries of its own.
    local MAVEN_OPTS="-XX:+UseSerialGC ${MAVEN_OPTS:-} --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
    export MAVEN_OPTS
    (cd "$root" && mvn -B "$@" 2>&1) </dev/null | tee "$log" | maven_progress || status=$?
    if ((status)); then
        note "Maven failed; all of its output is in ${log#"$root"/}"
    fi
    return $status
}

maven_progress() {
    local line downloads=0 errors=0
    while IFS= read -r line; do
        case $line in
            *'Building Vireo :: '*) line=${line#*Building Vireo :: }; step "Maven: ${line%% *}" ;;
            *'Downloaded from'*)
                downloads=$((downloads + 1))
                ((downloads % 100)) || note "$downloads files downloaded"
                ;;
            *'Tests run:'*' -- in '*) note "${line#*] }" ;;
            '[ERROR]'*)
                errors=$((errors + 1))
                ((errors > 60)) || printf '%s\n' "$line"
                ;;
        esac
    done
}
