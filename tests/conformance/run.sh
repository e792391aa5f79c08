#!/bin/sh
# run.sh BUILD_DIR SLUICE_EMULATOR - installs the SDK into BUILD_DIR once, then runs the checks there.
# Nothing is ever written into the source tree. Exit 77 means skipped: no node >= 18, or nothing to install from.
set -eu

build=${1:?usage: run.sh BUILD_DIR SLUICE_EMULATOR}
emulator=${2:?usage: run.sh BUILD_DIR SLUICE_EMULATOR}
source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
case $emulator in /*) ;; *) emulator=$PWD/$emulator ;; esac

if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null; then
  echo "conformance: skipped, needs node >= 18"
  exit 77
fi

mkdir -p "$build"
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$source/run.mjs" "$build/"
cd "$build"

# The stamp holds the checksum of the lock file that was installed; another lock file installs anew.
stamp=$(cksum <package-lock.json)
if [ "$(cat .installed 2>/dev/null || true)" != "$stamp" ]; then
  if ! npm ci; then
    echo "conformance: skipped, the SDK cannot be installed (offline?)"
    exit 77
  fi
  echo "$stamp" >.installed
fi

exec node run.mjs "$emulator"
