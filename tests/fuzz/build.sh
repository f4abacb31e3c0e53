#!/usr/bin/env bash
# build.sh FOLDER: the fuzz targets of targets.txt, into FOLDER, with libFuzzer and sanitizers (clang).
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
OUT=${1:?where to build}

mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
# not as a part of the make that may have called us
unset MAKEFLAGS MFLAGS MAKELEVEL
exec make -s -C "$TOP" -f tests/fuzz/build.mk -j "$(nproc)" OUT="$OUT"
