#!/bin/sh
# Installs what tests need beyond PyPI into .tools: FHIR client, definitions and examples, anvil, an
# independent FHIR validator; Chromium and fonts by apt-get where they are missing and we are root.
# Running it again does nothing.
set -eu
cd "$(dirname "$0")/.."
tools=.tools
mkdir -p "$tools"

# present COMMAND PACKAGE...: install PACKAGEs by apt-get unless COMMAND exists.
present() {
    command=$1
    shift
    if command -v "$command" >/dev/null 2>&1; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "install-tools: $command is missing; install: $*" >&2
        return 1
    fi
    if [ ! -e "$tools/apt-updated" ]; then
        apt-get update -qq
        touch "$tools/apt-updated"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# current MARK FILE...: whether what MARK remembers was made from these FILEs.
current() {
    mark=$1
    shift
    [ -e "$mark" ] && [ "$(cksum "$@")" = "$(cat "$mark")" ]
}

failed=0

present npm nodejs npm || failed=1
if command -v npm >/dev/null 2>&1 &&
    ! current "$tools/npm-done" tests/tools/package.json tests/tools/package-lock.json; then
    cp tests/tools/package.json tests/tools/package-lock.json "$tools/"
    # No package's own scripts are run: anvil's binary works without its postinstall.
    (cd "$tools" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cksum tests/tools/package.json tests/tools/package-lock.json >"$tools/npm-done"
fi

validator=tests/tools/r4_validator
present javac default-jdk-headless || failed=1
present mvn maven || failed=1
if command -v mvn >/dev/null 2>&1 && command -v javac >/dev/null 2>&1 &&
    ! current "$tools/validator-done" "$validator/pom.xml" "$validator/ValidateFolder.java"; then
    rm -rf "$tools/r4_validator"
    mkdir -p "$tools/r4_validator/classes"
    mvn -q -B -f "$validator/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$PWD/$tools/r4_validator/jars"
    javac -cp "$tools/r4_validator/jars/*" -d "$tools/r4_validator/classes" \
        "$validator/ValidateFolder.java"
    cksum "$validator/pom.xml" "$validator/ValidateFolder.java" >"$tools/validator-done"
fi

present chromium chromium || failed=1
if command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh)" ]; then
    : # Chinese pages can be drawn.
else
    present no-such-command fonts-noto-cjk fontconfig || failed=1
fi

exit $failed
