# shellcheck shell=sh
# What the end-to-end tests share: a sandbox of their own, a configuration
# that they add to, DataSets of their own, and the rows that arrived. Sourced
# after t/lib.sh.

# shellcheck disable=SC2086 # a list of options
sandbox ${sandbox_options:-}
cp "$RS_WRITEBACK_CONFIG" conf && chmod 600 conf
RS_WRITEBACK_CONFIG=$T/conf
RSW_RETRIES=0 RSW_RETRY_SCALE=0.01
export RS_WRITEBACK_CONFIG RSW_RETRIES RSW_RETRY_SCALE

# account NAME KEY=VALUE...: a copy of [account sandbox] with other values;
# KEY= leaves the key out.
account() {
	t_new=$1
	shift
	awk -v new="$t_new" -v changed="$(printf '%s\n' "$@" |
		sed 's/=.*//')" '
		BEGIN { n = split(changed, c, "\n") }
		/^\[/ { here = $0 == "[account sandbox]"; next }
		here && /^[a-z]/ {
			skip = 0
			for (i = 1; i <= n; i++)
				if (index($1 "=", c[i] "=") == 1 ||
				    $1 == c[i] "_file" || $1 == c[i] "_command")
					skip = 1
		}
		here && !skip { text = text $0 "\n" }
		END { printf "\n[account %s]\n%s", new, text }' conf >conf.new
	t_assign "$@" >>conf.new
	cat conf.new >>conf
}
# job NAME KEY=VALUE...: one more job, on [account sandbox] if none is named.
job() {
	printf '\n[job %s]\n' "$1" >>conf
	shift
	case " $*" in *" account="*) ;; *) echo 'account = sandbox' >>conf ;; esac
	t_assign "$@" >>conf
}
t_assign() {
	for t_kv; do
		[ -z "${t_kv#*=}" ] || printf '%s = %s\n' "${t_kv%%=*}" \
			"$(printf '%s\n' "${t_kv#*=}" | sed '2,$s/^/  /')"
	done
}

# dataset ID NAME COLUMN:TYPE,... <CSV: a DataSet at the Domo stand-in.
dataset() {
	cat >"$RSW_SANDBOX/domo/datasets/$1.csv"
	printf '%s\n' "$3" | tr , '\n' | awk -v name="$2" -F: '
		BEGIN { gsub(/["\\]/, "\\\\&", name)
			printf "{\"name\": \"%s\", \"schema\": {\"columns\": [", name }
		{ printf "%s{\"name\": \"%s\", \"type\": \"%s\"}", sep, $1, $2; sep = ", " }
		END { print "]}}" }' >"$RSW_SANDBOX/domo/datasets/$1.json"
}

# sql STATEMENT: asked of the PostgreSQL behind the stand-in, past all that is
# under test.
sql() { psql -h "$SANDBOX_PG_SOCKET" -U postgres -d dev -XAtq -c "$1"; }
# rows TABLE [ORDER]: as CSV with a header: NULL is empty, '' is "".
rows() {
	sql "COPY (SELECT * FROM $1 ORDER BY ${2:-1}) TO STDOUT CSV HEADER"
}
tables() { sql "SELECT tablename FROM pg_tables WHERE schemaname = 'public'
	ORDER BY 1"; }

# last COLUMN [JOB]: of the history's last line.
last() {
	rs-history ${2:+-j "$2"} | /usr/bin/python3 -c 'import csv, sys
print(list(csv.DictReader(sys.stdin))[-1][sys.argv[1]])' "$1"
}

# child_of PID NAME: a process of this name that descends from PID.
child_of() {
	for t_pid in $(pgrep -P "$1"); do
		if [ "$(cat "/proc/$t_pid/comm" 2>/dev/null)" = "$2" ]; then
			echo "$t_pid"
		else
			child_of "$t_pid" "$2"
		fi
	done
}

# eventually COMMAND...: wait, ten seconds at most, until it succeeds.
eventually() {
	for t_try in $(seq 1 200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "# waited in vain for: $*"
	return 1
}

# fault SERVICE JSON: trouble on order at db or domo; none without.
fault() {
	printf '%s\n' "${2:-[]}" >"$RSW_SANDBOX/$1/faults.new"
	mv "$RSW_SANDBOX/$1/faults.new" "$RSW_SANDBOX/$1/faults.json"
}

# The keys of all objects in the bucket, read past our own programs.
staged() { find "$RSW_SANDBOX" -path '*objects*' -name '*.data' | wc -l; }
