#!/usr/bin/env bash
# Makes the content of the image: build.sh SOURCE APP
# SOURCE is a copy of the repository, which is built in place; APP is made new and holds what runs.
# Needs Node with npm, g++, make and python3; the Dockerfile and try.sh call it.
set -euo pipefail
source=$1 app=$2
here=$(cd "$(dirname "$0")" && pwd)

cd "$source"
npm ci --no-audit --no-fund
npm run build

# What is in the image, for scanners: before the build tools go, as they made the addon.
mkdir -p "$app"
npm sbom --omit=dev --sbom-format=cyclonedx > "$app/sbom.cdx.json"

npm prune --omit=dev --ignore-scripts --no-audit --no-fund
node "$here/trim.mjs" "$source/node_modules"

mkdir -p "$app/dist" "$app/build/Release"
cp -r dist/src dist/bench "$app/dist/"
find "$app/dist" -name '*.map' -delete
cp build/Release/*.node "$app/build/Release/"
cp -r node_modules package.json LICENSE "$app/"
cp "$here/healthcheck.mjs" "$app/"

# The result must load here and now: addon, HTTP server, ZMQ and the tokenizers all have native parts.
node "$app/dist/src/main.js" version
echo '{"algorithm":"sha256_cbor","seed":"42","block_size":2,"token_ids":[1,2,3,4]}' |
  node "$app/dist/src/main.js" inspect hash > /dev/null
