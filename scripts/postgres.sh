#!/usr/bin/env bash
# A throw-away PostgreSQL in a temporary folder, reached by a socket there and by nothing else.
#   postgres.sh start FOLDER   starts it (never as root) and prints its URL
#   postgres.sh stop FOLDER    stops it and removes the folder
# Its writes are not synced: it proves behaviour, not durability, and dies with the folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/need.sh"

# as_server runs a command as the user who may own a PostgreSQL: ourselves, unless we are root.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u "$(server_user)" -- "$@"
	else
		"$@"
	fi
}

server_user() { id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody; }

start() {
	local folder=$1 bin
	bin=$(need_postgres)
	mkdir -p "$folder"
	[ "$(id -u)" != 0 ] || chown "$(server_user)" "$folder"
	chmod 755 "$folder"
	cd "$folder"
	as_server "$bin/initdb" -D "$folder/data" -U mezzo -A trust -E UTF8 --locale=C --no-sync >"$folder.log" 2>&1 ||
		{ cat "$folder.log" >&2; return 1; }
	as_server "$bin/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w -t 60 -s start \
		-o "-k $folder -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" \
		>"$folder.log" 2>&1 </dev/null ||
		{ cat "$folder.log" "$folder/data/server.log" >&2; return 1; }
	rm -f "$folder.log"
	echo "postgres://mezzo@/postgres?host=$folder"
}

stop() {
	local folder=$1 pid
	if pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null); then
		kill -QUIT "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	fi
	rm -rf "$folder" "$folder.log"
}

case "${1:-}" in
start | stop) "$1" "${2:?a folder}" ;;
*) say "usage: postgres.sh start|stop FOLDER"; exit 2 ;;
esac
