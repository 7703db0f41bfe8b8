#!/usr/bin/env bash
# Does what `npm test` does on other versions of Node, which the npm package `node` brings:
#   scripts/test-on-node.sh 22 24            everything
#   scripts/test-on-node.sh 24 test/unit     some of the tests alone
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
path=$PATH

for version in "${versions[@]}"; do
  # Its install script is what puts the binary of this platform into place.
  npm install --prefix "$folder/$version" --no-save --no-audit --no-fund --silent "node@$version" </dev/null
  export PATH="$folder/$version/node_modules/node/bin:$path"
  echo "Node $(node --version)"
  if [ $# -eq 0 ]; then
    npm test </dev/null
  else
    npm run build </dev/null
    npm exec -- vitest run "$@" </dev/null
  fi
done
