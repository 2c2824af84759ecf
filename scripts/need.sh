# Sourced by the other scripts: finds the tools a check needs and, as root on Debian, installs them.

say() { printf '%s\n' "$*" >&2; }

# need COMMAND PACKAGE… : true when COMMAND can be run. Missing, it is installed from PACKAGEs
# where we are root on Debian; elsewhere this says what is lacking and is false.
need() {
	local command=$1
	shift
	command -v "$command" >/dev/null 2>&1 && return 0
	install_packages "$@" && command -v "$command" >/dev/null 2>&1 && return 0
	say "lacking: $command (on Debian: apt-get install $*)"
	return 1
}

install_packages() {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
	say "installing $*"
	export DEBIAN_FRONTEND=noninteractive
	if [ -z "${packages_listed:-}" ]; then
		apt-get update -qq >&2 </dev/null || return 1
		packages_listed=yes
	fi
	apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null
}

# need_postgres prints the folder of PostgreSQL's server programs, which Debian keeps off the PATH.
need_postgres() {
	postgres_folder && return 0
	install_packages postgresql && postgres_folder && return 0
	say "lacking: PostgreSQL's initdb and postgres (on Debian: apt-get install postgresql)"
	return 1
}

postgres_folder() {
	local found
	if found=$(command -v initdb); then
		dirname "$found"
		return 0
	fi
	for found in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr); do
		if [ -x "$found/initdb" ] && [ -x "$found/postgres" ]; then
			printf '%s\n' "$found"
			return 0
		fi
	done
	return 1
}

# need_sdks FOLDER installs the event SDKs of the journey into the folder: unmodified, as its lock pins
# them. They are other people's code: none of it runs while it is installed. (`npm ci` would ask for
# the native parts of every platform, which not every registry has.)
need_sdks() {
	need node nodejs && need npm npm || return 1
	mkdir -p "$1" && cp internal/journey/sdk/package.json internal/journey/sdk/package-lock.json "$1"/ || return 1
	npm install --no-save --prefix "$1" --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error >&2 && return 0
	say "lacking: the event SDKs of internal/journey/sdk (npm did not install them)"
	return 1
}

# need_chromium prints the browser to drive.
need_chromium() {
	local name
	for name in "${MEZZO_CHROMIUM:-}" chromium chromium-browser google-chrome; do
		[ -n "$name" ] && command -v "$name" && return 0
	done
	need chromium chromium && command -v chromium
}
