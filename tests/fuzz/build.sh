#!/usr/bin/env bash
# build.sh FOLDER: the fuzz targets, into FOLDER, with libFuzzer and sanitizers (clang).
set -euo pipefail
shopt -s nullglob

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
OUT=${1:?where to build}
CC=${CC:-clang}
FLAGS=(-std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all
	-I"$TOP/common" -I"$TOP/ldap" -I"$TOP/daemon" -I"$TOP/cli" -I"$TOP/tests/fuzz" '-DAK_SYSCONFDIR="/etc"' '-DAK_LOCALSTATEDIR="/var"')
SANITIZE=address,undefined

mkdir -p "$OUT/common"
# What needs libgcrypt goes to the one target that needs it.
sources=()
for source in "$TOP"/common/*.c; do
	case ${source##*/} in
	token.c | secret.c) ;;
	*) sources+=("$source") ;;
	esac
done
# shellcheck disable=SC2016
printf '%s\0' "${sources[@]}" |
	OUT=$OUT xargs -0 -n 1 -P "$(nproc)" bash -c \
		'source=${!#}; set -- "${@:1:$#-1}"; name=${source##*/}; exec "$@" -c "$source" -o "$OUT/common/${name%.c}.o"' \
		bash "$CC" "${FLAGS[@]}" -fsanitize="fuzzer-no-link,$SANITIZE"
rm -f "$OUT/common.a"
ar rcs "$OUT/common.a" "$OUT"/common/*.o

for target in policy image zone ldapsync wire entry logfmt import; do
	rooms=()
	case $target in
	ldapsync) rooms=("$TOP/ldap/ldapsync.c") ;;
	wire) rooms=("$TOP/daemon/wire.c") ;;
	entry) rooms=("$TOP"/daemon/model*.c "$TOP"/common/{token,secret}.c -lgcrypt) ;;
	import)
		rooms=("$TOP"/cli/{importfile,importfile_key,importfile_twice,jsonin,jsonmem,keyopts,keyopts_apply,keys,args,cli,wrap}.c
			"$TOP"/common/{token,secret}.c -lgcrypt -ljansson)
		;;
	esac
	"$CC" "${FLAGS[@]}" -fsanitize="fuzzer,$SANITIZE" -o "$OUT/fuzz_$target" "$TOP/tests/fuzz/fuzz_$target.c" \
		"$TOP/tests/fuzz/fuzz_ask.c" "${rooms[@]}" "$OUT/common.a" -lyaml &
done
"$CC" "${FLAGS[@]}" -fsanitize="fuzzer-no-link,$SANITIZE" -o "$OUT/make_image" \
	"$TOP/tests/fuzz/make_image.c" "$OUT/common.a" -lyaml &
for _ in 1 2 3 4 5 6 7 8 9; do
	wait -n
done
