#!/bin/sh
# Checks the models of parking and of waiters: they must hold, and each broken variant must be rejected. Needs spin and a C
# compiler; exits 77 (skipped) without them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
command -v spin >/dev/null && command -v cc >/dev/null || { echo "spin or cc is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Prints "holds" or "rejected" for $model with these definitions.
verdict() {
  spin -a "$@" "$here/$model.pml" >spin.log 2>&1 || { cat spin.log >&2; exit 2; }
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
  printf '%-9s %-7s %s\n' "$got" "$model" "$*"
  [ "$got" = "$wanted" ] || { failed=1; echo "  expected: $wanted"; }
}

model=park
expect holds -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=1
expect holds -DSLEEPERS=1 -DWANTS=2 -DRINGERS=3 -DCRASHES=0
expect holds -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=1
expect rejected -DSLEEPERS=1 -DRINGERS=2 -DCRASHES=0 -DNO_RECHECK
expect rejected -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=0 -DNO_SECOND_WAKE
expect rejected -DSLEEPERS=1 -DWANTS=2 -DRINGERS=2 -DCRASHES=1 -DNO_REAPER_RING
expect rejected -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=0 -DCLEAR_FIRST
expect rejected -DSLEEPERS=2 -DRINGERS=2 -DCRASHES=0 -DSHARED_DONE

model=waiters
expect holds -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=1 -DTIMEOUTS=1
expect holds -DSLEEPERS=3 -DPUTTERS=2 -DCRASHES=0 -DTIMEOUTS=1
expect holds -DSLEEPERS=3 -DPUTTERS=1 -DCRASHES=1 -DTIMEOUTS=0
expect rejected -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=0 -DNO_PASS_ON
expect rejected -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=1 -DTIMEOUTS=0 -DNO_REAPER_RING
expect rejected -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=1 -DTIMEOUTS=0 -DNO_SECOND_BIT
expect rejected -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=0 -DTIMEOUTS=0 -DLOOK_FIRST
expect rejected -DSLEEPERS=2 -DPUTTERS=2 -DCRASHES=0 -DTIMEOUTS=0 -DBIT_STAYS
exit $failed
