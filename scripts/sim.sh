#!/usr/bin/env bash
# The state machines of money for longer than `make test` has time for, on both engines: $MEZZO_MACHINE times as many
# runs, ten times unless it says otherwise. Without PostgreSQL, and without root to install it, on SQLite alone.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
export CGO_ENABLED=0 MEZZO_MACHINE="${MEZZO_MACHINE:-10}"
scratch=$(mktemp -d)
chmod 711 "$scratch" # the database server runs as another user and passes through
finish() {
	[ -d "$scratch/postgres" ] && scripts/postgres.sh stop "$scratch/postgres"
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM
if [ -z "${MEZZO_TEST_POSTGRES:-}" ] && need_postgres >/dev/null && url=$(scripts/postgres.sh start "$scratch/postgres"); then
	export MEZZO_TEST_POSTGRES=$url
fi
go test -count=1 -timeout 24h -v -run 'TestMoneyMachine' ./internal/order
