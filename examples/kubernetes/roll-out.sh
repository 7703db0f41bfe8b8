#!/bin/sh
# Upgrades the fleet: the canary, then all shards, then one report of both. Run it again to continue after an interruption.
#   kubectl create configmap fleet --from-file=fleet.csv
#   kubectl create secret generic mqtt --from-file=password
#   sh roll-out.sh
# Exits with 0 if every device ended well.
set -eu
cd "$(dirname "$0")"

# Complete or Failed, once a Job has ended. (`kubectl wait` waits for only one of them.)
end_of() {
  kubectl get job "$1" --ignore-not-found -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' |
    tr ' ' '\n' | grep -x -e Complete -e Failed || true
}

run() {
  # Create a failed Job again: finished runs print their results again, unfinished ones are resumed.
  if [ "$(end_of "$1")" = Failed ]; then kubectl delete job "$1"; fi
  kubectl apply -f "$2" || return 1
  while end=$(end_of "$1") && [ -z "$end" ]; do sleep "${POLL:-5}"; done
  echo "$1: $end"
  [ "$end" = Complete ]
}

kubectl apply -f settings.yaml
# Delete the report Job of an earlier attempt, which would not run again.
kubectl delete job dji-ota-report --ignore-not-found
code=0
run dji-ota-canary canary.yaml && run dji-ota-fleet fleet.yaml || code=1
run dji-ota-report report.yaml || code=1
kubectl logs job/dji-ota-report
exit "$code"
