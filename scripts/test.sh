#!/usr/bin/env bash
# Everything `make test` checks, in parts that each print their time.
#   test.sh               all parts
#   test.sh unit fuzz …   only these
# It installs what it lacks when it is root on Debian. Without root a test whose tool is missing
# skips and says so; with CI=true nothing may skip.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=readonly"

all_parts="verify lint unit race fuzz journey"
parts=${*:-$all_parts}
fuzz_time=${MEZZO_FUZZ_TIME:-2s}
scratch=$(mktemp -d)
chmod 711 "$scratch" # the database server runs as another user and passes through
counts=$scratch/counts
broken=""
: >"$counts"

finish() {
	[ -d "$scratch/postgres" ] && scripts/postgres.sh stop "$scratch/postgres"
	chmod -R u+w "$scratch" 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# part NAME COMMAND… runs one part and prints how long it took.
part() {
	local name=$1 begun=$EPOCHREALTIME result="ok"
	shift
	printf '\n== %s\n' "$name"
	"$@" || { result="FAILED"; broken="$broken $name"; }
	awk -v name="$name" -v a="$begun" -v b="$EPOCHREALTIME" -v result="$result" \
		'BEGIN { printf "part %-8s %6.1f s  %s\n", name, b - a, result }'
}

# tests ARGUMENTS… is `go test` with its tests counted.
tests() { go test -v "$@" 2>&1 | awk -v counts="$counts" -f scripts/tests.awk; }

packages() { go list ./... | grep -v '/internal/journey$'; }

# set_up finds or installs the tools of the parts to come; lacking ones fail only under CI.
set_up() {
	local url
	case " $parts " in *" unit "* | *" journey "*)
		if [ -z "${MEZZO_TEST_POSTGRES:-}" ] && need_postgres >/dev/null && url=$(scripts/postgres.sh start "$scratch/postgres"); then
			export MEZZO_TEST_POSTGRES=$url
		fi
		need ffmpeg ffmpeg
		go build -ldflags "-s -w" -o "$scratch/mezzo" ./cmd/mezzo || return 1
		export MEZZO_BINARY=$scratch/mezzo # tests that start the program share one build
		[ -n "${MEZZO_TEST_POSTGRES:-}" ] || [ "${CI:-}" != true ]
		;;
	esac || return 1
	case " $parts " in *" journey "*)
		{ MEZZO_CHROMIUM=$(need_chromium) && export MEZZO_CHROMIUM || [ "${CI:-}" != true ]; } &&
			{ need_sdks "$scratch/sdks" && export MEZZO_SDKS=$scratch/sdks || [ "${CI:-}" != true ]; }
		;;
	esac
}

verify() { scripts/verify.sh "$scratch/verify"; }

lint() {
	local bad
	bad=$(git ls-files -co --exclude-standard '*.go' | grep -v '_templ\.go$' | xargs gofmt -l)
	[ -z "$bad" ] || { echo "gofmt would change:"; echo "$bad"; return 1; }
	go vet ./... && go tool staticcheck ./...
}

unit() {
	local limit=10m
	[ -z "${MEZZO_PROOF:-}" ] || limit=120m
	tests -timeout "$limit" $(packages)
}

# race runs what keeps its own goroutines in order. SQLite is left out: translated from C, it is
# thirty times slower under the detector, and one connection at a time uses it; so is the simulation, whose
# workers share nothing: it asks the ranking, which is raced by itself.
race() {
	local clean
	if ! need gcc gcc libc6-dev; then
		[ "${CI:-}" != true ]
		return
	fi
	clean=$(go list -test -f '{{if .ForTest}}{{.ForTest}} {{join .Deps " "}}{{end}}' ./... |
		awk '{ sqlite[$1] += / modernc\.org\/sqlite/; seen[$1] } END { for (p in seen) if (!sqlite[p]) print p }' |
		grep -v -e /journey -e /tidy -e /program -e /sim | sort)
	[ -n "$clean" ] || { echo "no package to race yet"; return 0; }
	CGO_ENABLED=1 tests -race -short $clean
}

# out_of_time LOG tells that a fuzz target ended by its own clock and found nothing: Go before 1.27
# then says at times "context deadline exceeded" (golang/go#75804). Whatever a target finds, be it an
# input that fails, hangs or kills the process, stands in the log as a failing input.
out_of_time() {
	grep -q '^--- FAIL' "$1" && [ -z "$(sed -e '/^fuzz: elapsed/d' -e '/^--- FAIL: Fuzz[A-Za-z0-9_]* ([0-9.]*s)$/d' \
		-e '/^ *context deadline exceeded$/d' -e '/^FAIL$/d' -e '/^warning: the test binary was not built with coverage/d' "$1")" ]
}

# fuzz runs each target for a moment, from one build per package. Coverage guides it, except where SQLite is
# linked: instrumented, it makes the same moment hold a tenth to a thousandth of the tries (FuzzSearch 8 in place
# of 240, FuzzRestore 11 in place of 10,828), too few to be guided by. With MEZZO_PROOF all are guided.
fuzz() {
	local folder name guide failed=0 log=$scratch/fuzz.log binary=$scratch/fuzz.test
	for folder in $(grep -rl --include='*_test.go' '^func Fuzz' cmd internal | xargs -r -n 1 dirname | sort -u); do
		guide="-fuzz ."
		[ -n "${MEZZO_PROOF:-}" ] || ! go list -test -deps "./$folder" | grep -qx modernc.org/sqlite || guide=""
		# shellcheck disable=SC2086 # no word where none is wanted
		if ! go test -c $guide -o "$binary" "./$folder"; then
			echo 0 1 0 0 >>"$counts"
			failed=1
			continue
		fi
		for name in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/func //'); do
			if { (cd "$folder" && "$binary" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$fuzz_time" \
				-test.fuzzcachedir "$scratch/corpus") >"$log" 2>&1 && grep -q '^PASS' "$log"; } || out_of_time "$log"; then
				printf 'ok  \t%s %s, %s\n' "$folder" "$name" "$(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
				echo 1 0 0 0 >>"$counts"
			else
				cat "$log"
				echo 0 1 0 0 >>"$counts"
				failed=1
			fi
		done
	done
	return $failed
}

journey() {
	[ -d internal/journey ] || { echo "no journeys yet"; return 0; }
	local limit=20m
	[ -z "${MEZZO_PROOF:-}" ] || limit=60m
	tests -timeout "$limit" ./internal/journey/...
}

command -v go >/dev/null || { say "lacking: Go 1.26 or newer"; exit 1; }
begun=$SECONDS
part set-up set_up
for name in $parts; do
	case " $all_parts " in
	*" $name "*) part "$name" "$name" ;;
	*) say "there is no part $name; the parts are: $all_parts"; exit 2 ;;
	esac
done

read -r passed failed skipped skipped_parts < <(awk '{ p += $1; f += $2; s += $3; q += $4 } END { print p + 0, f + 0, s + 0, q + 0 }' "$counts")
[ "${CI:-}" != true ] || [ $((skipped + skipped_parts)) = 0 ] ||
	{ broken="$broken skips"; echo "with CI=true no test may skip: $((skipped + skipped_parts)) did"; }
printf '\nall parts took %d s\n' $((SECONDS - begun))
[ -z "$broken" ] || echo "broken:$broken"
[ $((passed + failed + skipped)) = 0 ] || echo "$passed passed, $failed failed, $skipped skipped"
[ -z "$broken" ] && [ "$failed" = 0 ]
