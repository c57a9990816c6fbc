#!/usr/bin/env bash
# One PnL incident from the alert to the restore, on a real cluster with real pods. Called by `make demo`, which has built the
# programs, started the cluster and installed the operator. Needs kubectl, KUBECONFIG and bin/kubectl-strategy.
set -euo pipefail
cd "$(dirname "$0")/../.."

NS=trading
K=(kubectl -n "$NS")
S=(bin/kubectl-strategy -n "$NS")
watcher=''
trap '[[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true' EXIT

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
ready() { # ready KIND/NAME: the reason of its Ready condition
  "${K[@]}" get "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].reason}' 2>/dev/null || true
}
until_ready() { # until_ready KIND/NAME SECONDS REASON...: wait for one of the reasons
  local object=$1 deadline=$((SECONDS + $2)) reason; shift 2
  while ((SECONDS < deadline)); do
    reason=$(ready "$object")
    for wanted in "$@"; do [[ $reason != "$wanted" ]] || return 0; done
    sleep 1
  done
  echo "demo: $object is ${reason:-without a status}, not $*; look: kubectl -n $NS describe $object" >&2
  exit 1
}
drawdown() { # how far cross_exchange_watch is below its best, in percent, from the scheduler's own metrics
  kubectl get --raw "/api/v1/namespaces/$NS/services/bot-core-scheduler:http/proxy/metrics" |
    awk '/^bot_core_multi_strategy_pnl_drawdown_pct/ && /cross_exchange_watch/ {print $NF}'
}
retry() { # right after an installation the API server's policies need a moment to know the new kinds
  for _ in $(seq 30); do "$@" >/dev/null 2>&1 && return 0; sleep 1; done
  "$@"
}

say "The world: an exchange, a scheduler with three strategies, the operator, and its playbook"
kubectl get namespace "$NS" >/dev/null 2>&1 || kubectl create namespace "$NS"
kubectl label namespace "$NS" pod-security.kubernetes.io/enforce=restricted strategy.tradeops.dev/serve=true --overwrite >/dev/null
kubectl apply --server-side --force-conflicts -k config/namespace
if ! "${K[@]}" get configmap bot-core-config >/dev/null 2>&1; then
  "${K[@]}" create configmap bot-core-config --from-file=core.yaml=hack/demo/world/core.yaml
  "${K[@]}" label configmap bot-core-config strategy.tradeops.dev/managed=true
fi
KEY=(kubectl -n strategy-operator-system) # whoever may read Secrets in $NS must not sign its decision logs
if ! "${KEY[@]}" get secret "$NS.decision-log-key" >/dev/null 2>&1; then
  "${KEY[@]}" create secret generic "$NS.decision-log-key" --from-literal=key-id=demo --from-literal=hmac-key="$(head -c 32 /dev/urandom | base64 -w0)"
  "${KEY[@]}" label secret "$NS.decision-log-key" strategy.tradeops.dev/managed=true
fi
if command -v openssl >/dev/null && ! "${KEY[@]}" get secret strategy-operator-checkpoint-key >/dev/null 2>&1; then # docs/audit.md: what an auditor verifies with
  "${KEY[@]}" create secret generic strategy-operator-checkpoint-key --from-file=demo.pem=<(openssl genpkey -algorithm ed25519)
  "${KEY[@]}" label secret strategy-operator-checkpoint-key strategy.tradeops.dev/managed=true
fi
for part in exchange scheduler podtemplate; do "${K[@]}" apply --server-side --force-conflicts -f "hack/demo/world/$part.yaml"; done
retry kubectl apply --server-side --force-conflicts -k config/samples/demo
kubectl -n strategy-operator-system rollout status deployment/strategy-operator --timeout=180s
for part in exchange bot-core-scheduler; do "${K[@]}" rollout status "deployment/$part" --timeout=180s; done
until_ready strategyplaybook/multi-strategy 60 Valid
open=$("${K[@]}" get sinc -o jsonpath='{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | awk '$2 != "True" {print $1}')
if [[ -n $open ]]; then
  echo "demo: an earlier incident is still open ($open). Close it (bin/kubectl-strategy resolve NAME -n $NS), or start anew: kubectl delete namespace $NS" >&2
  exit 1
fi

say "A fault at the exchange: it quotes a spread that it does not fill, and the cross-exchange strategy loses money"
"${K[@]}" exec deploy/exchange -- /demo fault set lossy-cross --exchange-url http://127.0.0.1:8080 >/dev/null
for _ in $(seq 60); do
  down=$(drawdown)
  printf '   cross_exchange_watch is at %s %% \n' "${down:-?}"
  awk -v d="${down:-0}" 'BEGIN {exit !(d < -4.5)}' && break
  sleep 2
done

if [[ -n ${CLUSTER_ENV:-} ]]; then
  say "A rule of Prometheus fires, Alertmanager sends it, and the playbook says what it becomes: nobody reports anything"
  incident=''
  for _ in $(seq 60); do
    incident=$("${K[@]}" get sal -o jsonpath='{range .items[*]}{.spec.labels.alertname} {.spec.state} {.status.outcome} {.status.incidentName}{"\n"}{end}' |
      awk '$1 == "DemoPnlDrawdown" && $2 == "Firing" && $3 == "Opened" {print $4}' | head -n 1)
    [[ -z $incident ]] || break
    sleep 1
  done
  "${K[@]}" get sal
  [[ -n $incident ]] || { echo "demo: no alert has opened an incident; look: kubectl -n $NS get sal -o wide, and .cluster/logs/alertmanager.log" >&2; exit 1; }
else
  say "alice (L1) reports the incident, as this cluster may have no Alertmanager that sends alerts to the operator"
  retry kubectl create --as alice --dry-run=server -f config/samples/demo/incident.yaml
  incident=$(kubectl create --as alice -f config/samples/demo/incident.yaml -o jsonpath='{.metadata.name}')
fi
"${S[@]}" status "$incident" -w | cat &
watcher=$!
for _ in $(seq 180); do
  rollback=$("${K[@]}" get sinc "$incident" -o jsonpath='{.status.rollbacks[0].name}')
  [[ -z $rollback ]] || break
  sleep 1
done
[[ -n $rollback ]] || { echo "demo: no rollback was asked for; look: kubectl -n $NS describe sinc $incident" >&2; exit 1; }
until_ready "strategyrollback/$rollback" 60 AwaitingApproval

say "alice (L1) may answer, and not approve; bob (L2) looks at the diff and does"
"${S[@]}" approve "$rollback" --as alice --yes --reason "mine" || true
"${S[@]}" approve "$rollback" --as bob --yes --reason "checked with the desk"
until_ready "strategyrollback/$rollback" 300 Verified
say "Contained: the running scheduler has the strategy disabled; the configuration differs in these lines only"
"${K[@]}" get configmap bot-core-config -o jsonpath='{.data.core\.yaml}' | diff hack/demo/world/core.yaml - || true

say "The exchange is fixed; bob restores"
"${K[@]}" exec deploy/exchange -- /demo fault clear lossy-cross --exchange-url http://127.0.0.1:8080 >/dev/null
"${S[@]}" restore "$rollback" --as bob --yes --reason "the exchange is fixed"
until_ready "strategyincident/$incident" 300 Resolved
wait "$watcher" || true
watcher=''
"${K[@]}" get configmap bot-core-config -o jsonpath='{.data.core\.yaml}' | cmp - hack/demo/world/core.yaml &&
  say "Resolved: the configuration is byte for byte what it was"
"${S[@]}" status "$incident" --all

cat <<TEXT

Look for yourself${CLUSTER_ENV:+ (first: $CLUSTER_ENV)}:
  kubectl -n $NS get sal,sinc,srb,sdec,spb
  kubectl -n $NS describe sinc $incident
  kubectl -n $NS describe srb $rollback
  bin/kubectl-strategy -n $NS status $incident
TEXT
