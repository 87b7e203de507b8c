#!/bin/sh
# Checks the parking model: it must hold, and each broken variant must be rejected. Needs spin and a C
# compiler; exits 77 (skipped) without them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
command -v spin >/dev/null && command -v cc >/dev/null || { echo "spin or cc is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Prints "holds" or "rejected" for the model with these definitions.
verdict() {
  spin -a "$@" "$here/park.pml" >spin.log 2>&1 || { cat spin.log >&2; exit 2; }
  cc -O2 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -o pan pan.c 2>cc.log || { cat cc.log >&2; exit 2; }
  ./pan -m200000 -E >pan.log 2>&1 || true
  if grep -q 'max search depth too small\|out of memory' pan.log; then cat pan.log >&2; exit 2; fi
  if grep -q 'errors: 0' pan.log; then echo holds; else echo rejected; fi
}

failed=0
expect() {
  wanted=$1
  shift
  got=$(verdict "$@")
  printf '%-9s %s\n' "$got" "$*"
  [ "$got" = "$wanted" ] || { failed=1; echo "  expected: $wanted"; }
}

expect holds -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=1
expect holds -DSLEEPERS=1 -DWANTS=2 -DRINGERS=3 -DCRASHES=0
expect holds -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=1
expect rejected -DSLEEPERS=1 -DRINGERS=2 -DCRASHES=0 -DNO_RECHECK
expect rejected -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=0 -DNO_SECOND_WAKE
expect rejected -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=1 -DNO_REAPER_RING
expect rejected -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=0 -DCLEAR_FIRST
expect rejected -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=0 -DSHARED_DONE
exit $failed
