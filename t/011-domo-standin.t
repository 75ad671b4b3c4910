#!/bin/sh
# The Domo stand-in: it answers as Domo does, refuses what Domo refuses, and
# fails in each way that it can be told to.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

python=/usr/bin/python3
mkdir -p domo/datasets
cat >domo/config.json <<'E'
{"clients": {"id": "secret", "lesser": {"secret": "s", "scopes": ["user"]}},
 "query_cap": 3}
E
"$python" "$srcdir/t/standin/domo.py" domo >ready 2>log &
server=$!
at_end 'kill $server'
until [ -s ready ] || ! kill -0 "$server"; do sleep 0.05; done
url=http://127.0.0.1:$(sed 's/^ready //' ready)

# Two DataSets: one with every type, one long enough to be cut anywhere.
cat >domo/datasets/t-1.csv <<'E'
Text,Number,Amount,Ratio,Day,Moment,text
plain,1,12345678901234567890.123456789,1.5,2020-01-01,2020-01-01T01:02:03,x
"",,,,,,
-,-5,-0.5,-1e+300,1999-12-31,1999-12-31T23:59:59,y
"=a,b",9223372036854775807,2,0.1,2021-01-01,2021-01-01T00:00:00,"q""x
y"
E
cat >domo/datasets/t-1.json <<'E'
{"name": "Types", "schema": {"columns": [
 {"type": "STRING", "name": "Text"}, {"type": "LONG", "name": "Number"},
 {"type": "DECIMAL", "name": "Amount"}, {"type": "DOUBLE", "name": "Ratio"},
 {"type": "DATE", "name": "Day"}, {"type": "DATETIME", "name": "Moment"},
 {"type": "STRING", "name": "text"}]}}
E
"$python" - <<'E'
with open('domo/datasets/long.csv', 'w') as f:
    f.write('Id,Text\n')
    for i in range(200000):
        f.write('%d,"row, %d"\n' % (i, i) if i % 1000 == 7 else
                '%d,row %d\n' % (i, i))
E
echo '{"name": "Long", "schema": {"columns": [{"type": "LONG", "name": "Id"},
 {"type": "STRING", "name": "Text"}]}}' >domo/datasets/long.json

get() {		# get PATH CURL-OPTION...: with the token of the file bearer
	path=$1
	shift
	curl -sS -m 20 -K bearer "$@" "$url$path"
}
token() {	# token CLIENT:SECRET CURL-OPTION...
	user=$1
	shift
	curl -sS -u "$user" "$@" "$url/oauth/token"
}
new_bearer() {
	token id:secret -d grant_type=client_credentials >t_token
	sed 's/.*"access_token": "\([^"]*\)".*/header = "Authorization: bearer \1"/' \
	    t_token >bearer
}
fault() { echo "[$1]" >domo/faults.json; }
export_of() { get "/v1/datasets/$1/data?includeHeader=true$2" -D head; }
raw='&disableFormulaInterpretation=false'
header_like() { ok "$1" t_like "$2" head; }
last_request() { tail -n 1 domo/requests.log; }

# --- tokens ---

run token id:secret -G -d grant_type=client_credentials \
    --data-urlencode 'scope=data user'
out_like 'a token by GET' '"access_token": "[^"]{200,}"'
out_like 'with its life' '"expires_in": 3599,'
out_like 'and its scopes' '"scope": "data user"'
run token id:secret -d grant_type=client_credentials
out_like 'a token by POST' '"token_type": "bearer"'
run token id:wrong -d grant_type=client_credentials -w '%{http_code}'
out_like 'not for a wrong secret' '"statusReason": "Unauthorized".*401$'
run token nobody:secret -d grant_type=client_credentials -w '%{http_code}'
out_like 'not for an unknown client' '401$'
run curl -sS -d grant_type=client_credentials -w '%{http_code}' "$url/oauth/token"
out_like 'not without a client' '401$'
run token id:secret -d grant_type=password -w '%{http_code}'
out_like 'not for another grant' 'unsupported_grant_type.*400$'
run token lesser:s -d grant_type=client_credentials -d scope=data -w '%{http_code}'
out_like 'not for a scope that the client has not' 'invalid_scope.*400$'

run curl -sS -w '%{http_code}' "$url/v1/datasets"
out_like 'no token: 403 with little' '^\{"status": 403, "toe": "[A-Z0-9-]{22}"\}403$'
run curl -sS -w '%{http_code}' -H 'Authorization: bearer x' "$url/v1/datasets"
out_like 'an unknown token: 403' '403$'
token lesser:s -d grant_type=client_credentials >out
sed 's/.*"access_token": "\([^"]*\)".*/header = "Authorization: bearer \1"/' \
    out >bearer
run get /v1/datasets/t-1/data -w '%{http_code}'
out_like 'a token without the scope data: 403' '403$'
new_bearer
run get /v1/datasets -w '%{http_code}'
out_like 'a good token' '200$'
sed 's/bearer /Bearer /' bearer >bearer2
run curl -sS -K bearer2 -w '%{http_code}' "$url/v1/datasets"
out_like 'Bearer in another case' '200$'

# --- metadata and list ---

run get /v1/datasets/t-1
out_like 'metadata: rows by a count that knows quotes' '"rows": 4, "columns": 7,'
out_like 'metadata: the schema' '"schema": \{"columns": \[\{"type": "STRING", "name": "Text"\}'
out_like 'metadata: a time' '"updatedAt": "[0-9T:.-]{23}Z"'
run get /v1/datasets/nope -w '%{http_code}'
out_like 'an unknown DataSet: 404' '"toe".*404$'
run get /v1/nope -w '%{http_code}'
out_like 'an unknown path: 404' '404$'
run get /v1/datasets/t-1 -X DELETE -w '%{http_code}'
out_like 'another method: 405' '405$'
i=0
while [ "$i" -lt 60 ]; do
	i=$((i + 1))
	echo "{\"name\": \"many $i\", \"rows\": 194723231}" \
	    >"domo/datasets/many-$i.json"
done
count() { grep -o '"id": "' out | wc -l; }
run get '/v1/datasets?limit=500'
same 'a page has at most 50' "$(count)" 50
run get '/v1/datasets?limit=50&offset=50'
same 'the last page is short' "$(count)" 12
run get '/v1/datasets?offset=62'
out_like 'then an empty one' '^\[\]$'
run get '/v1/datasets?nameLike=TYPE'
same 'nameLike without case' "$(count)" 1
run get '/v1/datasets?nameLike=Y%205&sort=nameDescending&limit=2'
out_like 'sorted' '"many 59".*"many 58"'
out_like 'rows as the test has said' '"rows": 194723231'
run get '/v1/datasets?sort=size' -w '%{http_code}'
out_like 'an unknown order: 400' '400$'
rm domo/datasets/many-*
echo '{"name": "Old", "deleted": true}' >domo/datasets/old.json
run get /v1/datasets/old -w '%{http_code}'
out_like 'deleted: 200, and little' \
    '^\{"id": "old", "name": "Old", "deleted": true\}200$'
echo '{"name": "Locked", "access": false}' >domo/datasets/locked.json
run get /v1/datasets/locked -w '%{http_code}'
out_like 'no access: a wrapped 403' 'Infrastructure problem \(403\).*400$'
echo '{"name": "Sparse", "omit": ["owner", "schema"]}' >domo/datasets/sparse.json
run get /v1/datasets/sparse
ok 'fields that are left out' t_unlike 'owner|schema' out
echo '{"name": "Empty", "loaded": false}' >domo/datasets/unloaded.json
run get /v1/datasets/unloaded/data -w '%{http_code}'
out_like 'never loaded: the export fails' '400$'

# --- the export ---

run export_of t-1 "$raw"
out_same 'the export' domo/datasets/t-1.csv
header_like 'its type' '^Content-Type: text/csv'
header_like 'in chunks' '^Transfer-Encoding: chunked'
ok 'without a length' t_unlike '^Content-Length' head
run export_of long "$raw"
out_same 'a longer one' domo/datasets/long.csv
run get "/v1/datasets/long/data?x=y$raw"
ok 'no header unless asked for' sh -c 'tail -n +2 "$1" | cmp - out' - \
    domo/datasets/long.csv
run get "/v1/datasets/t-1/data?includeHeader=True$raw"
out_same 'includeHeader=True' domo/datasets/t-1.csv
run export_of long "$raw&fileName=x.csv"
header_like 'fileName' 'attachment; filename=x.csv'
run get "/v1/datasets/long/data?includeHeader=true$raw" --compressed -D head
out_same 'compressed' domo/datasets/long.csv
header_like 'if asked for' '^Content-Encoding: gzip'
run get "/v1/datasets/t-1/data?includeHeader=true$raw" -0
out_same 'HTTP/1.0' domo/datasets/t-1.csv
run get /v1/datasets/t-1/data -H 'Accept: text/csv' -w '%{http_code}'
out_like 'Accept: text/csv' '200$'
run get /v1/datasets/t-1/data -H 'Accept: application/json' -w '%{http_code}'
out_like 'Accept without text/csv: 406' '406$'

sed "s/^-,/'-,/;s/^\"=a/\"'=a/" domo/datasets/t-1.csv >escaped
run export_of t-1 ''
out_same "texts as formulas get a '" escaped
run export_of t-1 '&disableFormulaInterpretation=true'
out_same 'with true as well' escaped
fault '{"fault": "formula", "true": false, "false": true}'
run export_of t-1 '&disableFormulaInterpretation=true'
out_same 'the sense can be turned' domo/datasets/t-1.csv
run export_of t-1 "$raw"
out_same 'both ways' escaped

# --- queries ---

query() {	# query DATASET SQL CURL-OPTION...
	"$python" -c 'import json, sys; print(json.dumps({"sql": sys.argv[1]}))' \
	    "$2" >sql
	dataset=$1
	shift 2
	get "/v1/datasets/query/execute/$dataset" -d @sql \
	    -H 'Content-Type: application/json' "$@"
}
run query t-1 'SELECT * FROM table'
out_like 'a query: names' '"columns": \["Text", "Number", .*"text"\]'
out_like 'digits are kept' '\["plain",1,12345678901234567890.123456789,1.5,'
out_like 'NULL and "" apart' '\["",null,null,'
out_like 'no more rows than the cap' '"numRows": 3,'
run query t-1 'select count(*) from `any name`'
out_like 'a count' '"rows": \[\[4\]\], "numRows": 1'
run query t-1 "SELECT Number FROM t WHERE \`Amount\` > 1 ORDER BY Amount DESC"
out_like 'DECIMAL is compared as number' '\[\[1\],\[9223372036854775807\]\]'
run query t-1 'SELECT Number FROM t LIMIT 1 OFFSET 2'
out_like 'LIMIT and OFFSET' '\[\[-5\]\]'
run query t-1 "SELECT COUNT(*) FROM t WHERE Moment >= '2020-01-01T01:02:03'"
out_like 'DATETIME' '\[\[2\]\]'
run query t-1 'SELECT nope FROM t' -w '%{http_code}'
out_like 'an unknown column: 400' 'nope.*400$'
run query t-1 'DELETE FROM t' -w '%{http_code}'
out_like 'no SELECT: 400' '400$'
run query unloaded 'SELECT * FROM t' -w '%{http_code}'
out_like 'never loaded: 400' '400$'
run get /v1/datasets/query/execute/t-1 -d '{"sql": {}}' \
    -H 'Content-Type: application/json' -w '%{http_code}'
out_like 'no text: 400' 'java.lang.String.*400$'
run get /v1/datasets/query/execute/t-1 -d '{"sql": "select 1"}' -w '%{http_code}'
out_like 'not as JSON: 415' '415$'

# --- faults that are an answer ---

answer() {	# answer FAULT STATUS ERE
	fault "{\"fault\": \"$1\", \"path\": \"/data$\"}"
	run get /v1/datasets/t-1/data -w '\n%{http_code} %{content_type}\n' -D head
	t_what="the fault $1"
	out_like "$1: status" "^$2 "
	ok "$1: what it says" t_has "$3"
}
t_has() { cat head out >both; t_like "$1" both; }
answer 401 401 '^WWW-Authenticate: Bearer error="invalid_token"'
header_like '401: no body' '^Content-Length: 0'
answer 401-json 401 '"error": "invalid_token"'
answer 401-streams 401 '"statusReason": "Internal Server Error"'
answer 403 403 '^\{"status": 403, "toe": "[^"]*"\}'
answer 406 406 'text/html'
answer 400-wrapped 400 'Infrastructure problem \(403\)'
answer 400-text 400 'text/plain'
answer 404 404 '"toe"'
answer html-login 200 '<title>Domo</title>'
answer html-blocked 200 '<title>Domo - Blocked</title>'
answer json-in-csv 200 '^\{"status": 500'
out_like 'json-in-csv: the type' '^200 text/csv'
answer oauth-in-csv 200 '"error": "invalid_token"'
for n in 500 502 503 504; do
	answer html-$n $n '<html>'
done
answer 429 429 'text/html'
ok '429: without Retry-After' t_unlike '^Retry-After' head
fault '{"fault": "429", "retry_after": 7}'
run get /v1/datasets -D head
header_like '429: with it' '^Retry-After: 7'
fault '{"fault": "status", "status": 302, "headers": {"Location": "/x"}}'
run get /v1/datasets -D head
header_like 'status: any' '^HTTP/1.1 302'
fault '{"fault": "nonsense"}'
run get /v1/datasets
out_like 'an unknown fault is an answer too' "no fault 'nonsense'"

fault '{"fault": "html-503", "skip": 1, "times": 2}'
for want in 200 503 503 200; do
	run get /v1/datasets -o /dev/null -w '%{http_code}\n'
	out_is "skip 1, times 2: $want" $want
done
fault '{"fault": "html-503", "every": 2, "method": "GET", "path": "limit=[0-9]"}'
for want in 200 503 200 503; do
	get /v1/datasets -o /dev/null
	run get '/v1/datasets?limit=3' -o /dev/null -w '%{http_code}\n'
	out_is "every second one that matches: $want" $want
done

# --- faults of the connection ---

fault '{"fault": "reset"}'
run get /v1/datasets
status_is 56 'reset'
err_like 'reset: by RST' '[Rr]eset by peer'
fault '{"fault": "close"}'
run get /v1/datasets
status_is 52 'close'

part() {	# part DESCRIPTION: what came is the file's beginning, and shorter
	ok "$1: the beginning is right" \
	    cmp -n "$(wc -c <out)" out domo/datasets/long.csv
	ok "$1: not all of it" \
	    test "$(wc -c <out)" -lt "$(wc -c <domo/datasets/long.csv)"
}
fault '{"fault": "cut", "bytes": 1000001}'
run export_of long "$raw"
status_is 18 'cut: curl notices'
same 'cut: at the byte' "$(wc -c <out)" 1000001
part cut
fault '{"fault": "cut", "how": "reset"}'
run export_of long "$raw"
status_is 56 'cut by RST'
fault '{"fault": "cut"}'
run get "/v1/datasets/long/data?includeHeader=true$raw" --compressed
ok 'cut when compressed' test "$status" -ne 0
fault '{"fault": "cut-quoted", "share": 0.9}'
run export_of long "$raw"
status_is 18 'cut-quoted: curl notices'
part cut-quoted
out_like 'cut-quoted: inside a quoted field' '^[0-9]+,"[^"]*$'
fault '{"fault": "truncate"}'
run export_of long "$raw"
status_is 0 'truncate: curl does not notice'
part truncate
fault '{"fault": "short-length", "share": 0.99}'
run export_of long "$raw"
status_is 18 'short-length: curl notices'
header_like 'short-length: what was promised' \
    "^Content-Length: $(wc -c <domo/datasets/long.csv)"
part short-length

took() {	# took DESCRIPTION SECONDS: the last run took at least that
	ok "$1" "$python" -c 'import sys
sys.exit(not float(open("seconds").read()) >= float(sys.argv[1]))' "$2"
}
slow() {
	get "/v1/datasets/$1/data?includeHeader=true$raw" \
	    -w '%{stderr}%{time_starttransfer} %{time_total}'
}
fault '{"fault": "silence", "seconds": 0.4}'
run slow long
cut -d ' ' -f 1 err >seconds
took 'silence: before the first byte' 0.4
out_same 'silence: then all' domo/datasets/long.csv
fault '{"fault": "stall", "seconds": 0.4}'
run slow long
"$python" -c 'a, b = open("err").read().split()
print(float(b) - float(a))' >seconds
took 'stall: in the middle' 0.3
out_same 'stall: then the rest' domo/datasets/long.csv
fault '{"fault": "trickle", "rate": 400}'
run slow t-1
cut -d ' ' -f 2 err >seconds
took 'trickle' 0.4
out_same 'trickle: all of it' domo/datasets/t-1.csv

# --- faults of the data ---

csv_fault() {	# csv_fault FAULT DESCRIPTION: should give the file want
	fault "{\"fault\": \"$1\"${3:-}}"
	run export_of t-1 "$raw"
	out_same "$1: $2" want
}
csv=domo/datasets/t-1.csv
sed 3d $csv >want
csv_fault rows-missing 'the chunking is correct' ', "at": 1'
head -n 3 $csv >want
csv_fault rows-missing 'several' ', "at": 2, "rows": 2'
sed 's/^"",.*/"",\\N,\\N,\\N,\\N,\\N,\\N/' $csv >want
csv_fault null-n '\N for NULL'
"$python" -c 'import sys
d = open(sys.argv[1], "rb").read()
open("want", "wb").write(d.replace(b"\n", b"\r\n").replace(b"x\r\ny", b"x\ny"))
' $csv
csv_fault crlf 'but not inside a field'
{ printf '\357\273\277'; cat $csv; } >want
csv_fault bom 'at the front'
printf %s "$(cat $csv)" >want
csv_fault no-final-newline 'the last record ends with the data'
tail -n +2 $csv >want
csv_fault no-header 'though asked for'
sed 's/^"",/,/' $csv >want
csv_fault empty-as-null 'the empty string looks like NULL'
fault '{"fault": "quote-all"}'
run export_of t-1 "$raw"
out_like 'quote-all: also what needs none' '^"plain","1",'
out_like 'quote-all: but not NULL' '^"",,,,,,$'
fault '{"fault": "gzip-unasked"}'
run export_of t-1 "$raw"
header_like 'gzip-unasked' '^Content-Encoding: gzip'
ok 'gzip-unasked: it is gzip' sh -c 'gzip -dc <out | cmp - "$1"' - $csv

fault '{"fault": "metadata", "path": "/t-1$", "skip": 1,
 "set": {"rows": 5, "updatedAt": "2030-01-01T00:00:00Z"}, "drop": ["owner"]}'
run get /v1/datasets/t-1
out_like 'metadata: as it is' '"rows": 4,.*"owner"'
run get /v1/datasets/t-1
out_like 'metadata: it changes' '"rows": 5,.*"updatedAt": "2030-'
ok 'metadata: fields go' t_unlike owner out

fault '{"fault": "pdp", "keep": 2}'
run get /v1/datasets/t-1
out_like 'pdp: rows of all' '"rows": 4,.*"pdpEnabled": true'
run export_of t-1 "$raw"
same 'pdp: fewer come' "$(wc -l <out)" 3
run query t-1 'SELECT COUNT(*) FROM t'
out_like 'pdp: a query counts those' '\[\[2\]\]'

fault '{"fault": "expire-token", "path": "/data$"}'
run get /v1/datasets/t-1 -w '%{http_code}'
out_like 'expire-token: the token is good' '200$'
run get /v1/datasets/t-1/data -D head -w '%{http_code}'
out_like 'expire-token: and is not at the export' '^401$'
header_like 'expire-token: Jwt expired' 'Jwt expired at'
rm domo/faults.json
run get /v1/datasets/t-1 -w '%{http_code}'
out_like 'expire-token: nor after it' '^401$'
new_bearer

# --- the request log ---

run get '/v1/datasets/long/data?fileName=a'
run last_request
out_like 'the log: what was asked' \
    '"method": "GET", "path": "/v1/datasets/long/data", "query": "fileName=a"'
out_like 'the log: the scheme, not the token' '"authorization": "bearer"'
out_like 'the log: what came of it' '"status": 200, "sent": [0-9]{7}, "ended": "whole"'
fault '{"fault": "cut"}'
run export_of long "$raw"
run last_request
out_like 'the log: a cut' '"ended": "closed"'
rm domo/faults.json

# --- token life, an older gateway ---

kill "$server"
wait "$server"
cat >domo/config.json <<'E'
{"clients": {"id": "secret"}, "token_seconds": 1, "old_gateway": true}
E
: >ready
"$python" "$srcdir/t/standin/domo.py" domo >ready 2>>log &
server=$!
until [ -s ready ] || ! kill -0 "$server"; do sleep 0.05; done
url=http://127.0.0.1:$(sed 's/^ready //' ready)
new_bearer
ok 'token_seconds is told' t_like '"expires_in": 1,' t_token
run get /v1/datasets/t-1/data -w '%{http_code}'
out_like 'the token is good' '200$'
sleep 1.1
run get /v1/datasets/t-1/data -w '%{http_code}'
out_like 'and is no more: 401 as JSON' 'invalid_token.*401$'
run get /v1/datasets/t-1/data -H 'Accept: text/csv' -w '%{http_code}'
out_like '406 in HTML for Accept: text/csv' '<html>'
out_like '406: the status' '406$'

ok 'the stand-in has no complaints' test ! -s log
done_testing
