# shellcheck shell=sh
# The Domo stand-in alone, for the tests of domo-cat; sourced after lib.sh.
# Its directory is $T/domo. DataSet $G is there: every type, NULL, "", quotes,
# a line end in a field, a comma and quotes in a column's name.

PYTHONDONTWRITEBYTECODE=1 RSW_RETRY_SCALE=0.01
DOMO_CLIENT_ID=tester DOMO_CLIENT_SECRET=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export PYTHONDONTWRITEBYTECODE RSW_RETRY_SCALE DOMO_CLIENT_ID DOMO_CLIENT_SECRET
G=08a061e2-12a2-4646-b4bc-20beddb403e3

# domo_start [JSON]: start it (again); JSON is more of its configuration.
domo_start() {
	domo_stop
	mkdir -p domo/datasets
	printf '{"clients": {"%s": "%s"}%s}\n' "$DOMO_CLIENT_ID" \
		"$DOMO_CLIENT_SECRET" "${1:+, $1}" >domo/config.json
	: >domo/ready
	/usr/bin/python3 "$srcdir/t/standin/domo.py" domo >domo/ready 2>domo/log &
	domo_pid=$!
	until grep -q ready domo/ready; do
		kill -0 "$domo_pid" 2>/dev/null ||
			{ sed 's/^/# /' domo/log; echo 'Bail out! no stand-in'; exit 99; }
		sleep 0.05
	done
	domo_port=$(cut -d' ' -f2 domo/ready)
	DOMO_API_URL=http://127.0.0.1:$domo_port
	export DOMO_API_URL
}
domo_pid=
domo_stop() {
	[ -z "$domo_pid" ] || { kill "$domo_pid"; wait "$domo_pid" || :; } 2>/dev/null
	domo_pid=
}
at_end domo_stop

# dataset GUID JSON: make one; stdin is its CSV.
dataset() {
	mkdir -p domo/datasets
	cat >"domo/datasets/$1.csv"
	printf '%s\n' "$2" >"domo/datasets/$1.json"
}

# fault RULE...: from now on, in place of those before; none without RULE.
fault() {
	d_all=
	for d_one in "$@"; do d_all=$d_all${d_all:+,}$d_one; done
	printf '[%s]\n' "$d_all" >domo/faults.new
	mv domo/faults.new domo/faults.json
	: >domo/requests.log
}

# requests METHOD END: how many there were since the last fault, by their
# path's end.
requests() {
	grep -c "\"method\": \"$1\", \"path\": \"[^\"]*$2\"" domo/requests.log
}

domo_small() {
	dataset "$G" '{"name": "Timeline, \"Feed\"", "description": "", "schema":
		{"columns": [{"name": "Id", "type": "LONG"},
		{"name": "A \"b\", c", "type": "STRING"},
		{"name": "amount", "type": "DECIMAL"},
		{"name": "ratio", "type": "DOUBLE"}, {"name": "day", "type": "DATE"},
		{"name": "at", "type": "DATETIME"}]}}' <<'CSV'
Id,"A ""b"", c",amount,ratio,day,at
1,plain,1.50,0.25,2020-01-31,2020-01-31T23:59:59
9007199254740993,"two
lines, ""quoted""",12345678901234567890.123456789,1e-9,2020-02-29,2020-02-29T00:00:00
-3,,,,,
4,"",-0.01,-2.5,1999-12-31,1999-12-31T12:00:00
5,héllo 😀,7,3,2024-06-30,2024-06-30T06:30:00
CSV
}

# s3-stage finds by itself that what domo-cat wrote (the file out) is not
# whole, before it needs any S3: nobody listens at this address.
stage_refuses() {
	AWS_ENDPOINT_URL_S3=http://127.0.0.1:1 AWS_ACCESS_KEY_ID=x \
	AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1 \
		s3-stage s3://bucket/prefix <out >manifest 2>stage
	stage_status=$?
	cat stage
	[ "$stage_status" -eq 1 ] && [ ! -s manifest ] &&
		grep -Eq 'no newline at the end, it may have been cut|a quote that is never closed|it is empty, without even a header' stage
}
