#!/usr/bin/env bash
# Runs the build and the tests on other versions of Node, which the npm package `node` brings:
#   scripts/test-on-node.sh 22 24            all tests
#   scripts/test-on-node.sh 24 test/unit     some of them
# Everything that the tests spawn runs on that Node as well: it comes first on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=()
while [ $# -gt 0 ] && [[ $1 =~ ^[0-9]+(\.[0-9]+)*$ ]]; do
  versions+=("$1")
  shift
done
[ ${#versions[@]} -gt 0 ] || versions=(20 22 24)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for version in "${versions[@]}"; do
  # Its postinstall script is what puts the binary of this platform into place.
  npm install --prefix "$folder/$version" --no-save --no-audit --no-fund --silent "node@$version" </dev/null
  bin="$folder/$version/node_modules/node/bin"
  echo "Node $("$bin/node" --version)"
  export PATH="$bin:$PATH"
  node node_modules/typescript/bin/tsc -p tsconfig.json
  node scripts/make-man.js
  node node_modules/vitest/vitest.mjs run "$@" </dev/null
done
