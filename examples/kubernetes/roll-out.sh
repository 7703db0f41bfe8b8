#!/bin/sh
# Upgrades the fleet: the canary, then all parts, then one report of both. Started again, it goes on where it was.
#   kubectl create configmap fleet --from-file=fleet.csv
#   kubectl create secret generic mqtt --from-file=password
#   sh roll-out.sh
# Ends with 0 where every device ended well.
set -eu
cd "$(dirname "$0")"

# Complete or Failed, once a Job has ended. (`kubectl wait` waits for one of them alone.)
end_of() {
  kubectl get job "$1" --ignore-not-found -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' |
    tr ' ' '\n' | grep -x -e Complete -e Failed || true
}

run() {
  # A Job that has failed is made anew: what ended in it is told again, what is open is taken up.
  if [ "$(end_of "$1")" = Failed ]; then kubectl delete job "$1"; fi
  kubectl apply -f "$2" || return 1
  while end=$(end_of "$1") && [ -z "$end" ]; do sleep "${POLL:-5}"; done
  echo "$1: $end"
  [ "$end" = Complete ]
}

kubectl apply -f settings.yaml
# A report of an earlier attempt would stay as it is.
kubectl delete job dji-ota-report --ignore-not-found
code=0
run dji-ota-canary canary.yaml && run dji-ota-fleet fleet.yaml || code=1
run dji-ota-report report.yaml || code=1
kubectl logs job/dji-ota-report
exit "$code"
