#!/bin/sh
# Seeds one fault at a time into a copy of the sources and demands that the crash sweep or the storm finds it.
# Each *.patch says in its second line what must catch it. The unchanged sources go first and must pass.
#
#   run.sh [NAME...]   the last line is "N mutants, M escaped"
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests"
cp -a "$source/src" "$work/src"
cp -a "$source/tests/crash" "$work/tests/crash"

build() { make -s -j2 -f "$here/Makefile" ROOT="$work" >"$work/build.log" 2>&1; }

# Runs "sweep a b" or "storm n seed": a name with blanks is one argument of the sweep.
attack() {
  tool=${1%% *}
  rest=${1#* }
  if [ "$tool" = sweep ]; then timeout 300 "$work/sweep" --first "$rest"; else timeout 100 "$work/$tool" $rest; fi
}

build || { cat "$work/build.log"; exit 2; }
for kind in storm queue_storm lock_storm; do
  attack "$kind 300 1" >"$work/log" 2>&1 || { cat "$work/log"; echo "the unchanged $kind fails"; exit 2; }
done

mutants=0
escaped=0
for patch in "$here"/*.patch; do
  name=$(basename "$patch" .patch)
  [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
  mutants=$((mutants + 1))
  hunter=$(sed -n 's/^caught by: //p' "$patch")
  patch -s -d "$work" -p1 <"$patch"
  if ! build; then
    cat "$work/build.log"
    echo "$name does not build"
    exit 2
  fi
  if attack "$hunter" >"$work/log" 2>&1; then
    escaped=$((escaped + 1))
    echo "ESCAPED  $name ($hunter)"
  else
    echo "caught   $name: $(grep -m1 -E 'FAILED|history: [a-z ]+: |lost|worker' "$work/log" || echo 'by a hang or a crash')"
  fi
  patch -s -R -d "$work" -p1 <"$patch"
done
echo "$mutants mutants, $escaped escaped"
[ "$escaped" -eq 0 ]
