#!/usr/bin/env bash
# Makes the generated files again in a copy of the tree and compares: what is committed must be
# what the sources give. usage: verify.sh SCRATCH-FOLDER
set -eu
copy=${1:?a scratch folder}
mkdir -p "$copy"
git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do
	[ ! -f "$f" ] || printf '%s\0' "$f"
done | tar --null -cf - -T - | tar -xf - -C "$copy"
(cd "$copy" && go generate ./...)
status=0
git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do
	[ -f "$f" ] || continue
	cmp -s "$f" "$copy/$f" || { echo "not what its source gives: $f (run make generate)"; exit 1; }
done || status=1
exit $status
