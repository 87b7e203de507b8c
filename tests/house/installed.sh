#!/bin/sh
# What a user gets: installs a build folder into an empty tree, compiles programs against the installed
# files by pkg-config alone, moves the tree, and runs them from its new place. The workers must be
# started by the nursery and keeper that lie beside the moved library.
#
# usage: installed.sh BUILD-FOLDER
set -eu

build=$1
sources=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/user
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset BROOD_NURSERY LD_LIBRARY_PATH PKG_CONFIG_PATH

fail() {
  echo "installed: $*" >&2
  exit 1
}

DESTDIR="$work/stage" meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  fail "meson install failed"
}
pc=$(find "$work/stage" -name brood.pc)
[ -n "$pc" ] || fail "no brood.pc was installed"
export PKG_CONFIG_PATH="${pc%/brood.pc}" PKG_CONFIG_SYSROOT_DIR="$work/stage"

# shellcheck disable=SC2046  # flags are words
{
  ${CC:-cc} -std=c99 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags brood) \
    "$sources/program.c" -o "$work/program_c" $(pkg-config --libs brood) ||
    fail "a C99 program does not compile against the installed files"
  ${CXX:-c++} -std=c++20 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags brood) \
    "$sources/program.cpp" -o "$work/program_cpp" $(pkg-config --libs brood) ||
    fail "a C++20 program does not compile against the installed files"
}

mv "$work/stage" "$work/moved"
library=$(find "$work/moved" -name 'libbrood.so' -print)
folder=${library%/libbrood.so}
[ -n "$library" ] || fail "no libbrood.so was installed"
readelf -d "$library" | grep -q 'SONAME.*libbrood\.so\.[0-9]' || fail "libbrood.so has no SONAME"

for program in program_c program_cpp; do
  # The programs print the path of the program that started their worker: the keeper.
  keeper=$(LD_LIBRARY_PATH="$folder" "$work/$program") || fail "$program failed: $keeper"
  case $keeper in
    "$folder"/brood-[0-9]*/brood-keeper) ;;
    *) fail "$program: its worker was started by '$keeper', not by the keeper beside the library" ;;
  esac
done
echo "installed: 2 programs compiled and run against the installed files"
