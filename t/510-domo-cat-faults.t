#!/bin/sh
# domo-cat against each fault of Domo's that is known: what it says, with
# what status it ends, and that a failed export never looks whole.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/domo.sh"

domo_small
whole=domo/datasets/$G.csv
B=bbbbbbbb-0000-4000-8000-00000000000b
/usr/bin/python3 - >big.csv <<'E'
print('Id,Text,Day')
for i in range(20000):
    print('%d,"row %d, ""%d""\nsecond line",2020-01-%02d' % (i, i, i, i % 28 + 1))
E
dataset "$B" '{"name": "big", "schema": {"columns": [{"name": "Id", "type":
	"LONG"}, {"name": "Text", "type": "STRING"}, {"name": "Day", "type":
	"DATE"}]}}' <big.csv
domo_start
toe='\(toe [0-9A-Z-]+\)'

# What left is a part of the DataSet, and no reader can take it for all of it.
# $missing: with rows missing it is not even its begin.
missing=
is_part() {
	n=$(wc -c <out)
	[ "$n" -lt "$(wc -c <"$1")" ] || { echo "all of it is there"; return 1; }
	[ -n "$missing" ] || head -c "$n" "$1" | cmp - out || return 1
	case $(tail -c 1 out | od -An -tx1) in
	*0a) echo "a newline at the end"; return 1 ;;
	esac
}
# breaks DESCRIPTION STATUS ERE [OPTION...] ID
breaks() {
	b_what=$1 b_status=$2 b_says=$3
	shift 3
	run domo-cat --tries 2 "$@"
	status_is "$b_status" "$b_what: status $b_status"
	err_like "$b_what: says so" "^domo-cat: cannot (export|look up) '.*': $b_says"
	same "$b_what: in one line" "$(grep -vc warning: err)" 1
	for b_id in "$@"; do :; done
	ok "$b_what: the output does not look whole" is_part "domo/datasets/$b_id.csv"
	ok "$b_what: s3-stage refuses it" stage_refuses
}
works() { # DESCRIPTION [OPTION...] ID
	w_what=$1
	shift
	run domo-cat "$@"
	status_is 0 "$w_what: works"
	for w_id in "$@"; do :; done
	out_same "$w_what: and is whole" "domo/datasets/$w_id.csv"
}
export='"path": "/data\\?"' # of the rules: the export only
meta="\"path\": \"/v1/datasets/$G\$\""
query='"path": "/query/execute/", "every": 2' # not that for COUNT(*)

# --- refusals: once, and for good --------------------------------------------

for f in 401 401-json 401-streams 406; do
	fault "{$export, \"fault\": \"$f\", \"times\": 1}"
	works "a token refused once by $f" "$G"
	same "$f: one new token" "$(requests POST /oauth/token)" 2
	fault "{$export, \"fault\": \"$f\"}"
	run domo-cat "$G"
	same "$f: no more than two of them" "$(requests POST /oauth/token)" 2
done
fault "{$export, \"fault\": \"401\"}"
breaks '401 for good' 1 \
	'a new token was refused: Domo says 401 Unauthorized: An error occurred while attempting to decode the Jwt: Jwt expired' "$G"
fault "{$export, \"fault\": \"401-json\"}"
breaks '401 of the old gateway' 1 \
	'a new token was refused: Domo says 401 Unauthorized: Cannot convert access token to JSON$' "$G"
fault "{$export, \"fault\": \"401-streams\"}"
breaks '401 with another reason' 1 \
	"a new token was refused: Domo says 401 Unauthorized: com.domo.*Full authentication is required to access this resource $toe$" "$G"
fault "{$export, \"fault\": \"406\"}"
breaks '406 for good' 1 \
	"a new token was refused: Domo says 406 Not Acceptable, with a web page titled 'Error 406 Not Acceptable'$" "$G"
fault "{$export, \"fault\": \"403\"}"
breaks '403' 1 "Domo says 403 Forbidden $toe" "$G"
fault "{$export, \"fault\": \"400-wrapped\"}"
breaks '400 around a 403' 1 \
	"Domo says 400 Bad Request: Infrastructure problem \(403\): Access is denied $toe" "$G"
fault "{$export, \"fault\": \"400-text\"}"
breaks '400 in plain text' 1 'Domo says 400 Bad Request: Bad Request' "$G"
fault "{$export, \"fault\": \"404\"}"
breaks '404' 1 "Domo says 404 Not Found $toe; is the id right" "$G"
same 'what is final is asked once' "$(requests GET /data)" 1
fault "{$meta, \"fault\": \"400-wrapped\"}"
breaks 'no access' 1 "Domo says 400 Bad Request: Infrastructure.*denied $toe" "$G"
fault '{"path": "/oauth/token", "fault": "html-503"}'
breaks 'no login for now' 75 \
	"the login failed: Domo says 503 Service Unavailable, with a web page" "$G"
fault '{"path": "/oauth/token", "fault": "html-login"}'
breaks 'a page in place of a token' 1 \
	"Domo says 200, with a web page titled 'Domo'; is domo_api_url the API's address" "$G"
fault "{$meta, \"fault\": \"html-blocked\"}"
breaks 'a page in place of metadata' 1 \
	"Domo says 200, with a web page titled 'Domo - Blocked'; is domo_api_url the API's address" "$G"

# Each request: a refused token, what may pass, what may not.
each() {	# NAME RULE ARGUMENT...
	e_what=$1 e_rule=$2
	shift 2
	for f in 401 406 oauth-in-csv html-501 json-in-csv; do
		fault "{$e_rule, \"fault\": \"$f\", \"times\": 1}"
		run domo-cat "$@"
		status_is 0 "$e_what: $f, once"
	done
	for f in html-502:75 json-in-csv:75 403:1 html-blocked:1; do
		fault "{$e_rule, \"fault\": \"${f%:*}\"}"
		run domo-cat --tries 2 "$@"
		status_is "${f#*:}" "$e_what: $f"
		ok "$e_what: $f: s3-stage refuses it" stage_refuses
	done
}
each metadata "$meta" "$G"
each 'metadata afterwards' "$meta, \"skip\": 1" "$G"
each list '"path": "/v1/datasets\\?"' 'name:Timeline, "Feed"'
each 'the number of rows' '"path": "/query/execute/"' --count query "$G"
each query "$query" --columns id "$G"
each export "$export" "$G"
fault '{"path": "/oauth/token", "fault": "json-in-csv", "times": 5}'
works 'a login with an error in a 200, five times' "$G"

# --- 200, but no export ------------------------------------------------------

fault "{$export, \"fault\": \"html-login\"}"
breaks '200 with the login page' 1 \
	"the answer is no export \(type text/html;charset=UTF-8\): Domo says 200, with a web page titled 'Domo'; is domo_api_url" "$G"
fault "{$export, \"fault\": \"html-blocked\"}"
breaks '200 with the page of a blocked address' 1 \
	".* web page titled 'Domo - Blocked'; is domo_api_url the API's address, and may this machine's address use it" "$G"
fault "{$export, \"fault\": \"json-in-csv\"}"
breaks '200 text/csv with an error' 75 \
	"the answer is no export \(type text/csv\): Domo says 200: The export failed $toe" "$G"
same 'that may pass: asked twice' "$(requests GET /data)" 2
fault "{$export, \"fault\": \"json-in-csv\", \"times\": 1}"
works 'and once only' "$G"
fault "{$export, \"fault\": \"oauth-in-csv\", \"times\": 1}"
works '200 text/csv with a refused token' "$G"
same 'gets a new one' "$(requests POST /oauth/token)" 2
fault "{$export, \"fault\": \"oauth-in-csv\"}"
breaks 'the same for good' 1 \
	'the answer is no export .*: Cannot convert access token to JSON$' --tries 6 "$G"
same 'one new token, too' "$(requests POST /oauth/token)" 2
fault "{$export, \"fault\": \"no-header\"}"
breaks 'no header' 1 \
	"its first line does not have the names of the 6 columns in the schema, so it is no header: '1,plain,1.50" "$G"
fault "{$export, \"fault\": \"gzip-unasked\"}"
breaks 'compressed though not asked for' 1 'it is compressed \(gzip\) though' \
	--no-gzip "$G"
fault "{$export, \"fault\": \"status\", \"status\": 206, \"kind\": \"text/csv\", \"body\": \"Id\"}"
breaks '206' 1 'Domo says 206' "$G"
fault "{$export, \"fault\": \"status\", \"status\": 302, \"headers\": {\"Location\": \"/x\"}}"
breaks 'a redirect' 1 'Domo says 302' "$G"
fault "{$export, \"fault\": \"status\", \"status\": 200, \"kind\": \"text/csv\"}"
breaks 'an empty answer for a DataSet with rows' 75 'the answer is empty' "$G"

# --- what passes -------------------------------------------------------------

for f in 429 html-500 html-502 html-503 html-504; do
	fault "{$export, \"fault\": \"$f\", \"times\": 5}"
	works "$f five times" "$G"
	fault "{$export, \"fault\": \"$f\"}"
	breaks "$f for good" 75 \
		"Domo says ${f#html-} .*, with a web page titled '${f#html-} " "$G"
done
fault "{$export, \"fault\": \"429\", \"retry_after\": 30, \"times\": 1}"
t=$(date +%s%N)
works '429 with Retry-After: 30 (times 0.01)' "$G"
ok 'which is obeyed' test $((($(date +%s%N) - t) / 1000000)) -ge 300
fault "{$export, \"fault\": \"429\", \"retry_after\": 301}"
breaks 'more than 5 minutes to wait' 75 \
	"Domo says 429 .* titled '429 Too Many Requests'; it wants us to wait 301 s$" --tries 6 "$G"
same 'nobody knocks before that' "$(requests GET /data)" 1
for f in reset close; do
	fault "{$export, \"fault\": \"$f\", \"times\": 2}"
	works "a connection that ends at once ($f), twice" "$G"
	fault "{\"fault\": \"$f\", \"times\": 4}"
	works "$f at the login" "$G"
	fault "{$export, \"fault\": \"$f\"}"
	breaks "$f for good" 75 '.* \(http://127.0.0.1:[0-9]+\)$' "$G"
done
DOMO_API_URL=http://127.0.0.1:1 breaks 'nobody listens' 75 \
	"Failed to connect to 127.0.0.1 port 1 .*" "$G"
fault "{$export, \"fault\": \"expire-token\", \"times\": 1}"
works 'a token that ends between metadata and export' "$G"
same 'gets a new one' "$(requests POST /oauth/token)" 2
fault "{$export, \"fault\": \"silence\", \"seconds\": 3, \"times\": 1}"
works 'silence before the first byte, longer than the limit' --idle-timeout 1 "$G"
fault "{$export, \"fault\": \"silence\", \"seconds\": 3}"
breaks 'the same for good' 75 'Operation too slow.* 1 seconds' --idle-timeout 1 "$G"
fault "{$export, \"fault\": \"trickle\", \"rate\": 150}"
works 'a slow trickle is no silence' --idle-timeout 1 --no-gzip "$G"
fault

# --- exports that are not whole ----------------------------------------------

missing=1
fault "{$export, \"fault\": \"rows-missing\", \"at\": 2}"
breaks 'a row is missing' 75 '4 rows came, but Domo says that it has 5' "$G"
fault "{$export, \"fault\": \"rows-missing\", \"rows\": 700, \"at\": 9000}"
breaks '700 of many are missing' 75 \
	'19300 rows came, but Domo says that it has 20000' "$B"
missing=
for how in close reset; do
	for z in '' --no-gzip; do
		fault "{$export, \"fault\": \"cut\", \"how\": \"$how\"}"
		# shellcheck disable=SC2086
		breaks "cut in the middle by $how $z" 75 \
			'it broke off after [0-9]+ rows \([0-9]+ bytes\): .*' $z "$B"
		same 'is not tried again' "$(requests GET /data)" 1
	done
done
at=$(($(head -n 2001 big.csv | wc -c)))
fault "{$export, \"fault\": \"cut\", \"bytes\": $at}"
breaks 'cut behind a line end' 75 'it broke off after 1000 rows' --no-gzip "$B"
fault "{$export, \"fault\": \"truncate\", \"bytes\": $at}"
breaks 'the same with a clean end' 75 \
	'1000 rows came, but Domo says that it has 20000' "$B"
at=$(($(wc -c <big.csv) - 12))
fault "{$export, \"fault\": \"truncate\", \"bytes\": $at}"
breaks 'cut in the last record' 75 'it is cut: its last record has 2 of 3 fields' "$B"
fault "{$export, \"fault\": \"cut-quoted\"}"
breaks 'cut inside quotes' 75 'it broke off after' "$B"
fault "{$export, \"fault\": \"truncate\", \"bytes\": $((at - 6))}"
breaks 'the same with a clean end' 75 'it is cut: it ends inside a quoted field' "$B"
fault "{$export, \"fault\": \"short-length\"}"
breaks 'fewer bytes than Content-Length' 75 'it broke off after' --no-gzip "$B"
for n in 1 8 9 12 40; do
	fault "{$export, \"fault\": \"gzip-cut\", \"bytes\": $n}"
	breaks "gzip without its last $n bytes, with a clean end" 75 \
		'it broke off after .*: the compressed answer is cut' "$B"
done
domo_start '"gzip": false'
fault "{$export, \"fault\": \"status\", \"status\": 200, \"kind\": \"text/csv\",
	\"headers\": {\"Content-Encoding\": \"gzip\"}, \"body\": \"Id,A\"}"
breaks 'gzip that is none' 75 'the compressed answer is broken' "$B"
domo_start
fault "{$export, \"fault\": \"stall\", \"seconds\": 20}"
breaks 'a stall in the middle' 75 'it broke off .*Operation too slow' \
	--no-gzip --idle-timeout 1 "$B"
fault "{$export, \"fault\": \"unframed\"}"
works 'neither length nor chunks, but all rows' "$B"
fault "{$export, \"fault\": \"unframed\"}"
breaks 'neither length nor chunks nor proof' 75 \
	'the answer tells neither its length nor its end' --count none "$B"
fault "{$export, \"fault\": \"unframed\"}" "{$export, \"fault\": \"no-final-newline\"}"
breaks 'neither length nor chunks nor a newline at the end' 75 \
	'the answer tells neither its length nor its end' "$B"
fault "{$meta, \"fault\": \"metadata\", \"skip\": 1, \"times\": 1, \"set\": {\"updatedAt\": \"2020-01-01T00:00:00Z\"}}"
breaks 'an update meanwhile' 75 \
	"the DataSet was updated meanwhile \(its 'updatedAt' is another\)" "$G"
fault "{$meta, \"fault\": \"metadata\", \"skip\": 1, \"set\": {\"rows\": 6}}"
breaks 'more rows meanwhile' 75 \
	"the DataSet was updated meanwhile \(its 'rows' is another\)" "$G"
fault "{$meta, \"fault\": \"404\", \"skip\": 1}"
breaks 'gone meanwhile' 1 \
	"cannot look whether it has changed meanwhile: Domo says 404 Not Found" "$G"
fault "{$meta, \"fault\": \"html-503\", \"skip\": 1, \"times\": 5}"
works 'metadata that come at the sixth attempt' "$G"

# --- cut at any byte of any answer -------------------------------------------

# libcurl takes the end of a head, and of a body with neither length nor
# chunks, for the end of the answer.
for what in '"path": "/oauth/token"' "$meta" "$export" "$meta, \"skip\": 1" \
	"{$query"; do
	at=$G
	case $what in {*) what=${what#?} at="--limit 2 $G" ;; esac
	for n in 60 200; do
		for more in '' ", {$what, \"fault\": \"unframed\"}"; do
			fault "{$what, \"fault\": \"wire-cut\", \"bytes\": $n}$more"
			# shellcheck disable=SC2086
			breaks "$what cut at $n${more:+, unframed}" 75 '' --no-gzip $at
		done
	done
done
for n in 1 10 30; do
	fault "{$export, \"fault\": \"truncate\", \"bytes\": $n}"
	breaks "$n bytes of the header" 75 "its first line" "$G"
done
fault '{"path": "/oauth/token", "fault": "unframed"}' \
	'{"path": "/oauth/token", "fault": "wire-cut", "bytes": 400}'
fails 'a token that is cut' 75 'the answer is cut' domo-cat --tries 1 --no-gzip "$G"
fault '{"path": "/oauth/token", "fault": "status", "status": 200,
	"body": "access_token=hush-hush"}'
fails 'a token of another kind' 1 "the login's answer holds no token: Domo says 200; is domo_api_url right" \
	domo-cat "$G"
fault "{$meta, \"fault\": \"metadata\", \"set\": {\"policies\": \"$(
	head -c 3000000 /dev/zero | tr '\0' x)\"}}"
works '3 MB of metadata' "$G"
fault "{$meta, \"fault\": \"metadata\", \"set\": {\"policies\": \"$(
	head -c 17000000 /dev/zero | tr '\0' x)\"}}"
breaks '17 MB of metadata' 1 'the answer is longer than 16 MiB' "$G"
fault

# --- as of an earlier look ---------------------------------------------------

domo-cat -i "$G" >info
works '--as-of, nothing has happened' --as-of info "$G"
run domo-cat --as-of info -S "$G"
status_is 0 '--as-of with -S'
for f in '"rows": 6' '"updatedAt": "2020-01-01T00:00:00Z"' '"dataCurrentAt": null'; do
	fault "{$meta, \"fault\": \"metadata\", \"set\": {$f}}"
	f=${f#\"} f=${f%%\"*}
	breaks "--as-of: another $f" 75 "the DataSet was updated since its metadata were taken \(its '$f' is another\)" \
		--as-of info "$G"
	same 'nothing was asked for' "$(requests GET /data)" 0
	run domo-cat --as-of info -S "$G"
	status_is 75 "--as-of with -S: another $f"
done
fault "{$meta, \"fault\": \"metadata\", \"skip\": 1, \"set\": {\"updatedAt\": \"2020-01-01T00:00:00Z\"}}"
breaks '--as-of and an update meanwhile, which a second attempt must not take' 75 \
	'the DataSet was updated since' --spool --as-of info "$G"
fault
domo-cat -i --columns day --limit 2 "$G" >chosen
run domo-cat --as-of chosen --columns day --limit 2 "$G"
status_is 0 '--as-of with a choice'
domo-cat -i "$B" >other
fails '--as-of another DataSet' 1 "the metadata to compare with are of '$B'" \
	domo-cat --as-of other "$G"
fails '--as-of nothing' 1 'cannot open' domo-cat --as-of gone "$G"
domo-cat -l >list
fails '--as-of a list' 1 'it describes [0-9]+ DataSets, not one' domo-cat --as-of list "$G"

# --- with a spool all of that can be tried again -----------------------------

for f in '"cut"' '"cut", "how": "reset"' '"truncate"' '"cut-quoted"' \
	'"rows-missing"' '"short-length"'; do
	fault "{$export, \"fault\": $f, \"times\": 5}"
	works "--spool: $f five times" --spool "$B"
	fault "{$export, \"fault\": $f}"
	breaks "--spool: $f for good" 75 '.*' --spool "$B"
	out_empty "--spool: $f: nothing left"
done
fault "{$meta, \"fault\": \"metadata\", \"times\": 1, \"set\": {\"updatedAt\": \"2020-01-01T00:00:00Z\"}}"
works '--spool: an update meanwhile' --spool "$G"

# --- attempts are not multiplied ---------------------------------------------

fault '{"path": "/query/execute/", "fault": "html-503"}'
run domo-cat --tries 3 --count query "$G"
status_is 75 'the number of rows for good: status 75'
same 'is asked for three times in all' "$(requests POST "/query/execute/$G")" 3
fault "{$meta, \"fault\": \"html-503\", \"skip\": 1}"
run domo-cat --tries 3 --spool "$G"
status_is 75 '--spool: no metadata afterwards: status 75'
err_like 'says so' 'cannot look whether it has changed meanwhile: Domo says 503'
out_empty 'nothing left'
same 'they are asked for three times more' "$(requests GET "/datasets/$G")" 4

# --- other forms of the export -----------------------------------------------

fault "{$export, \"fault\": \"bom\"}"
works 'a BOM is dropped' "$G"
fault "{$export, \"fault\": \"no-final-newline\"}"
works 'a missing newline at the end is added' "$G"
fault "{$export, \"fault\": \"crlf\"}"
run domo-cat "$G"
status_is 0 'CRLF'
tr -d '\r' <out >unix
ok 'is passed on' t_same "$(wc -c <out)" $(($(wc -c <"$whole") + 6))
ok 'as line ends' cmp unix "$whole"
fault "{$export, \"fault\": \"null-n\"}"
run domo-cat "$G"
out_like '\N for NULL is passed on' '^-3,\\N,\\N,\\N,\\N,\\N$'
fault "{$export, \"fault\": \"quote-all\"}"
run domo-cat "$G"
status_is 0 'quotes everywhere'
out_like 'are passed on' '^"Id","A ""b"", c","amount"'
fault

# --- rows that are hidden ----------------------------------------------------

fault '{"fault": "pdp", "keep": 3}'
breaks 'PDP' 1 \
	'3 of 5 rows came; the DataSet has PDP on, so some may be hidden from this client: --count=query' "$G"
err_like 'PDP: warns' "warning: DataSet '$G' has PDP on"
for how in query none; do
	run domo-cat --count "$how" "$G"
	status_is 0 "PDP with --count=$how"
	same 'gives what may be seen' "$(tail -n 1 out)" '-3,,,,,'
done
run domo-cat -i --count=query "$G"
out_like 'PDP: -i tells the rows that may be seen' '"",3,6,27'
run domo-cat -i --count=none "$G"
out_like 'or that nobody knows' '"",,6,27'
fault '{"fault": "pdp", "keep": 3}' "{$export, \"fault\": \"rows-missing\"}"
missing=1
breaks 'PDP, and a row is missing' 75 '2 rows came, but Domo says that it has 3' \
	--count=query "$G"
missing=
fault "{$meta, \"fault\": \"metadata\", \"drop\": [\"rows\"]}"
breaks 'no rows in the metadata' 1 \
	'Domo does not tell how many rows it has; try --count=query' "$G"
works 'with --count=query' --count=query "$G"
fault "{$meta, \"fault\": \"metadata\", \"drop\": [\"schema\", \"owner\", \"description\", \"dataCurrentAt\"]}"
works 'no schema' "$G"
fault

# --- no rows, deleted --------------------------------------------------------

E=eeeeeeee-0000-4000-8000-00000000000e
for how in header nothing error; do
	dataset "$E" "{\"name\": \"e\", \"empty_export\": \"$how\", \"schema\":
		{\"columns\": [{\"name\": \"a b\", \"type\": \"LONG\"},
		{\"name\": \"c,d\", \"type\": \"LONG\"}]}}" <<'C'
a b,"c,d"
C
	works "no rows: Domo gives $how" "$E"
	works "no rows, a choice of columns: $how" --columns '"a b","c,d"' "$E"
	works "no rows, --count=query: $how" --count=query "$E"
done
rm "domo/datasets/$E.csv"
run domo-cat "$E"
out_is 'never any data: the header' 'a b,"c,d"'
fault "{$export, \"fault\": \"400-wrapped\"}"
printf 'a b,"c,d"\n' >"domo/datasets/$E.csv"
breaks 'no rows, but no access either' 1 'Domo says 400 .*Access is denied' "$E"
fault "{\"path\": \"$E\$\", \"fault\": \"metadata\", \"set\": {\"rows\": 1}}"
breaks 'one row that does not come' 1 'Domo says 400 Bad Request: No data for' "$E"
fault
echo | dataset "$E" '{"name": "e", "schema": {"columns": []}}'
fails 'no rows and no columns' 1 \
	'it has neither columns nor rows, so there is nothing to write' domo-cat "$E"
run domo-cat -S "$E"
out_is 'its schema' 'name,type'
dataset "$E" '{"name": "e", "deleted": true, "schema": {"columns": []}}' </dev/null
fails 'a deleted DataSet' 1 "cannot look up '$E': the DataSet is deleted" domo-cat "$E"

# --- names -------------------------------------------------------------------

dataset "$E" '{"name": "e", "schema": {"columns": [
	{"name": "% of \"x\", y", "type": "DOUBLE"}, {"name": "Name", "type": "STRING"},
	{"name": "NAME", "type": "STRING"}, {"name": " a ", "type": "STRING"},
	{"name": "_BATCH_ID_", "type": "DOUBLE"},
	{"name": "_BATCH_LAST_RUN_", "type": "DATETIME"}]}}' <<'C'
"% of ""x"", y",Name,NAME, a ,_BATCH_ID_,_BATCH_LAST_RUN_
0.5,x,y,z,410,2019-03-19T18:49:02
C
works 'names with blanks, quotes, commas, in two cases' "$E"
done_testing
