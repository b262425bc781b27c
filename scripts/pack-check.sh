#!/usr/bin/env bash
# `npm run pack:check`: what `npm pack` makes installs into an empty folder, and its demo answers a request.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
demo=
finish() {
  [ -z "$demo" ] || kill "$demo" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT

npm pack --silent --pack-destination "$work" > /dev/null
mkdir "$work/empty"
cd "$work/empty"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund "$work"/warmpath-*.tgz
npx warmpath version
node node_modules/warmpath/dist/src/main.js demo --port 0 --admin-port 0 > demo.log 2>&1 &
demo=$!
for _ in $(seq 1 200); do
  url=$(sed -n 's/^ready //p' demo.log)
  [ -n "$url" ] && break
  kill -0 "$demo" || { cat demo.log; exit 1; }
  sleep 0.3
done
[ -n "$url" ] || { cat demo.log; exit 1; }
node --input-type=module -e '
  const body = { model: "Qwen/Qwen3-0.6B", max_tokens: 4, messages: [{ role: "user", content: "Which quay?" }] };
  const headers = { "content-type": "application/json" };
  const url = `${process.argv[1]}/v1/chat/completions`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  console.log("demo of the package:", answer.status, answer.headers.get("x-warmpath-endpoint"));
  process.exitCode = answer.ok ? 0 : 1;
' "$url"
kill -TERM "$demo"
wait "$demo"
demo=
