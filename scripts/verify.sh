#!/usr/bin/env bash
# Makes the generated files again in a copy of the tree and compares: what is committed must be
# what the sources give. usage: verify.sh SCRATCH-FOLDER
set -eu
export LC_ALL=C # sort and comm must agree
copy=${1:?a scratch folder}
mkdir -p "$copy"
git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do
	[ ! -f "$f" ] || printf '%s\0' "$f"
done | tar --null -cf - -T - | tar -xf - -C "$copy"
(cd "$copy" && go generate ./...)
status=0
git ls-files -co --exclude-standard | sort >"$copy.listed"
while IFS= read -r f; do
	[ -f "$f" ] || continue
	cmp -s "$f" "$copy/$f" || { echo "not what its source gives: $f (run make generate)"; status=1; }
done <"$copy.listed"
extra=$(cd "$copy" && find . -type f | sed 's|^\./||' | sort | comm -23 - "$copy.listed")
[ -z "$extra" ] || { echo "made by make generate and not kept:"; echo "$extra"; status=1; }
exit $status
