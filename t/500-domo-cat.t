#!/bin/sh
# domo-cat: an export, a schema, metadata, the list; what is refused at once.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/domo.sh"

domo_small
G2=22222222-0000-4000-8000-000000000002
G3=33333333-0000-4000-8000-000000000003
dataset "$G2" '{"name": "two", "owner": {"id": "u-7", "name": "Ann, B"},
	"omit": ["description", "policies"], "description": "x",
	"dataCurrentAt": null, "updatedAt": "2016-02-29T20:56:20.567Z", "pdpEnabled": true,
	"schema": {"columns": [{"name": "a", "type": "STRING"}]}}' <<'E'
a
x
E
dataset "$G3" '{"name": "Two", "schema": {"columns":
	[{"name": "a", "type": "STRING"}, {"name": "A", "type": "WEIRD"}]}}' <<'E'
a,A
x,y
E
domo_start

run domo-cat "$G"
status_is 0 'an export'
out_same 'is what Domo has, byte for byte' "domo/datasets/$G.csv"
err_empty 'and says nothing'
for address in "https://acme.domo.com/datasources/$G/details/overview" \
	"https://acme.domo.com/datasources/$G" \
	"https://acme.domo.com/datasources/$G?x=1#y" \
	"acme.domo.com/datasources/$G/details/overview" 'name:Timeline, "Feed"'; do
	run domo-cat "$address"
	out_same "DATASET as $address" "domo/datasets/$G.csv"
done
RSW_DATASET_ID=$G run domo-cat
out_same 'DATASET from the configuration' "domo/datasets/$G.csv"
run domo-cat --no-gzip "$G"
out_same 'without compression' "domo/datasets/$G.csv"
grep '/data"' domo/requests.log >exports
same 'which is asked for by default' \
	"$(grep -c '"accept-encoding": "gzip"' exports)" "$(($(wc -l <exports) - 1))"
run domo-cat --spool "$G"
out_same 'by way of a file' "domo/datasets/$G.csv"

run domo-cat -S "$G"
out_is 'the schema' 'name,type
Id,LONG
"A ""b"", c",STRING
amount,DECIMAL
ratio,DOUBLE
day,DATE
at,DATETIME'
head='id,name,description,rows,columns,owner_id,owner_name,created_at,updated_at,data_current_at,pdp_enabled'
run domo-cat -i "$G2"
out_is 'metadata; what is missing is NULL' "$head
$G2,two,,1,1,u-7,\"Ann, B\",2015-12-10T07:06:14Z,2016-02-29T20:56:20.567Z,,true"
run domo-cat -i "$G"
out_like 'quotes in a name, "" apart from NULL' \
	"^$G,\"Timeline, \"\"Feed\"\"\",\"\",5,6,27,DomoSupport,2015-12-10T07:06:14Z,"
run domo-cat -l
out_is 'the list' "$head
$(for i in "$G" "$G3"; do domo-cat -i "$i" | tail -n 1; done)
$(domo-cat -i "$G2" | tail -n 1 | sed 's/two,,/two,x,/')"
run domo-cat -l TWO
out_is 'the list by name' "$head
$(domo-cat -i "$G3" | tail -n 1)
$(domo-cat -i "$G2" | tail -n 1 | sed 's/two,,/two,x,/')"
run domo-cat -l 'no such & thing?'
out_is 'a list of none' "$head"

i=0
while [ $i -lt 120 ]; do
	dataset "$(printf '44444444-0000-4000-8000-%012d' $i)" \
		"{\"name\": \"many $i\", \"schema\": {\"columns\": []}}" </dev/null
	i=$((i + 1))
done
run domo-cat -l many
same 'a list of three pages' "$(cut -d, -f1 out | sort -u | wc -l)" 121
run domo-cat -i 'name:many 77'
out_like 'one of many by name' '^44444444-0000-4000-8000-000000000077,many 77,'
fault '{"path": "offset=50", "fault": "html-503"}'
run domo-cat --tries 2 -l many
status_is 75 'a list that breaks off'
err_like 'says so' "cannot list the DataSets of 'http://127.0.0.1:[0-9]+': Domo says 503"
same 'and is cut' "$(tail -c 1 out)" "$(printf e)"
fault
fails 'a name that nobody has' 1 \
	"cannot look up 'name:TWO': no DataSet that this client may see has exactly this name" \
	domo-cat name:TWO
dataset "$G3" '{"name": "two", "schema": {"columns": []}}' </dev/null
fails 'a name that two have' 1 \
	"'name:two': 2 DataSets have this name; give the id of one: $G2, $G3" \
	domo-cat name:two

fails 'no DataSet' 2 "cannot go on without 'dataset_id'" domo-cat
fails 'nonsense as DataSet' 2 "cannot use 'a b' as a DataSet" domo-cat 'a b'
fails 'another page' 2 "cannot use 'https://x.domo.com/page/1' as a DataSet" \
	domo-cat https://x.domo.com/page/1
fails 'two DataSets' 2 'more than one DataSet' domo-cat "$G" "$G2"
fails '-S and -i' 2 'only one of -S, -i, -l' domo-cat -S -i "$G"
fails 'an unknown option' 2 "unknown option '--wrong'" domo-cat --wrong "$G"
fails 'a wrong --count' 2 "cannot use 'x' as 'domo_count': it is one of rows, query, none" \
	domo-cat --count x "$G"
fails 'a wrong --idle-timeout' 2 "cannot use '0' as 'domo_idle_timeout': not a time from 1s to 1d" \
	domo-cat --idle-timeout 0 "$G"
fails '--since alone' 2 "cannot use 'domo_since' without 'domo_since_column'" \
	domo-cat --since 1 "$G"
run domo-cat -h
out_like 'help' '^usage: domo-cat'
run domo-cat --version
out_like 'the version' '^domo-cat \(rs-writeback\) [0-9.]+$'
DOMO_CLIENT_ID='' fails 'no client id' 2 "cannot go on without 'domo_client_id'" \
	domo-cat "$G"
DOMO_API_URL=api.domo.com fails 'an address without https' 2 \
	"cannot use 'api.domo.com' as 'domo_api_url'" domo-cat "$G"
DOMO_API_URL=https:// fails 'an address without a host' 2 \
	"cannot use 'https://' as 'domo_api_url': there is no host in it" domo-cat "$G"
DOMO_API_URL=$DOMO_API_URL/v1 fails 'an address of more than the host' 1 \
	'the login failed: Domo says 404 .*; is domo_api_url right' domo-cat "$G"
DOMO_API_URL=http://me:hush@127.0.0.1:1 fails 'an address with a password' 2 \
	"cannot use 'domo_api_url': there is an @ in its host" domo-cat "$G"
ok 'which is not shown' t_unlike hush err
fails 'an unknown DataSet' 1 \
	"cannot look up '11111111-0000': Domo says 404 Not Found \(toe [0-9A-Z-]+\); is the id right, and may this client see it\?" \
	domo-cat 11111111-0000
DOMO_CLIENT_SECRET=wrong fails 'a wrong client secret' 1 \
	'the login was refused: Domo says 401 Unauthorized: Bad client credentials \(toe [0-9A-Z-]+\); check domo_client_id and domo_client_secret' \
	domo-cat "$G"
same 'is tried once' "$(grep -c '"status": 401' domo/requests.log)" 1
domo_start "\"clients\": {\"$DOMO_CLIENT_ID\": {\"secret\":
	\"$DOMO_CLIENT_SECRET\", \"scopes\": [\"user\"]}}"
fails 'a client without the scope Data' 1 \
	'the login was refused: Domo says 400 Bad Request: Invalid scope: data; check domo_client_id and domo_client_secret, and that the client has the scope Data' \
	domo-cat "$G"
domo_start

for o in '' -S -i -l; do
	run sh -c "domo-cat $o $([ "$o" = -l ] || echo "$G") >/dev/full"
	status_is 1 "a full disk is noticed: $o"
	err_like 'and said' 'cannot write the output: No space left on device'
done
run sh -c "domo-cat $G >&-"
status_is 1 'a closed output is noticed'
err_like 'and said' 'cannot write the output: Bad file descriptor'
# The reader is gone before anything is written.
mkfifo pipe
fault '{"path": "/data", "fault": "silence", "seconds": 0.3}'
domo-cat "$G" >pipe 2>err & pid=$!
: <pipe
wait "$pid"
same 'a closed pipe is noticed' $? 1
err_like 'and said' '(cannot write the output: Broken pipe|nobody reads the output any more)'
fault

domo-cat -v -v "$G" >out 2>err
ok 'no secret and no token in the messages' \
	t_unlike "$DOMO_CLIENT_SECRET|[Bb]earer|[Bb]asic" err
done_testing
