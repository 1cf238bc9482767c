#!/usr/bin/env bash
# Runs an archive that `npm run bundle` made on a system of its own that has no Node.js: a Debian with nothing
# but what every Debian has. Usage: scripts/check-bundle.sh <archive.tar.xz>. Needs root and debootstrap.
set -euo pipefail
archive=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debootstrap --variant=minbase bookworm "$work/system" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mkdir "$work/system/opt/hyperletter"
tar -C "$work/system/opt/hyperletter" --strip-components=1 -xJf "$archive"
inside() { chroot "$work/system" env -i PATH=/opt/hyperletter/bin:/usr/bin:/bin HOME=/root TERM=dumb "$@"; }

! inside sh -c 'command -v node' || { echo 'There is a Node.js of the system.'; exit 1; }
du -sm --apparent-size "$archive" "$work/system/opt/hyperletter"
echo "version $(inside hyperletter --version)"
inside hyperletter demo
inside hyperletter create 'Tide Tables' --no-confirm > /dev/null
inside hyperletter daemon start
inside hyperletter status
inside hyperletter daemon stop
inside hyperletter completion bash | grep -q _hyperletter
[ -s "$work/system/opt/hyperletter/share/man/man1/hyperletter.1" ]
echo 'The archive runs without a Node.js of the system.'
