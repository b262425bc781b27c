#!/usr/bin/env bash
# The Dockerfile's steps without a container engine: try.sh [ROOT]
# ROOT is a Debian 13 (trixie) system as debootstrap makes it, made here if it is not there; without the
# rights or the tool for that, say ROOT=/ to build in a temporary folder of this machine.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:-/tmp/warmpath-trixie}

if [ "$root" = / ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  git -C "$repository" archive HEAD | tar -x -C "$(mkdir -p "$work/src" && echo "$work/src")"
  bash "$work/src/deploy/image/build.sh" "$work/src" "$work/app"
  chmod 755 "$work"
  bash "$work/src/deploy/image/check.sh" "$work/app"
  du -sh "$work/app"
  exit
fi

[ "$(id -u)" = 0 ] || { echo 'needs root, or ROOT=/'; exit 1; }
if [ ! -d "$root/etc" ]; then
  debootstrap --variant=minbase --include=ca-certificates trixie "$root" http://deb.debian.org/debian
fi
# The tools of the build stage, and Node as its images have it: a release in /usr/local.
in_root() {
  chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$@"
}
# A network that shows certificates of its own making is trusted there as it is here.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends \
  g++ make python3 procps > /dev/null
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules" "$root/usr/local/include"
cp "$prefix/bin/node" "$root/usr/local/bin/"
npm=$(readlink -f "$(command -v npm)")
cp -r "$(dirname "$(dirname "$npm")")" "$root/usr/local/lib/node_modules/"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
[ -d "$prefix/include/node" ] && cp -r "$prefix/include/node" "$root/usr/local/include/"
[ -f "$HOME/.npmrc" ] && grep -v nodedir "$HOME/.npmrc" > "$root/root/.npmrc"
cp /etc/resolv.conf "$root/etc/resolv.conf"

mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
rm -rf "$root/src" "$root/app"
mkdir -p "$root/src"
git -C "$repository" archive HEAD | tar -x -C "$root/src"
in_root bash /src/deploy/image/build.sh /src /app
in_root bash /src/deploy/image/check.sh /app
in_root du -sh /app
in_root node -p '`glibc ${process.report.getReport().header.glibcVersionRuntime}, Node ${process.version}`'
