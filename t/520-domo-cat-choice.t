#!/bin/sh
# domo-cat: columns and rows chosen by the query API, and marks before texts
# that look like formulas.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/domo.sh"

domo_small
F=ffffffff-0000-4000-8000-00000000000f
dataset "$F" '{"name": "formulas", "schema": {"columns": [
	{"name": "Text", "type": "STRING"}, {"name": "N", "type": "LONG"}]}}' <<'C'
Text,N
-,1
=1+1,-2
"=a,b",3
"+49
30",4
@x,5
'quoted',6
a-b,7
"say ""=""",8
,9
C
# The same with the marks that Domo puts.
sed -e "s/^-,/'-,/; s/^=1/'=1/; s/^\"=a/\"'=a/; s/^\"+49/\"'+49/; s/^@/'@/" \
	"domo/datasets/$F.csv" >marked
domo_start '"query_cap": 12'

# --- columns and rows --------------------------------------------------------

run domo-cat --where '1 = 1' "$G"
status_is 0 'all by way of a query'
# A query gives numbers as JSON: 1e-9 may be written in another way.
sed 's/1e-9\|1e-09/SMALL/; s/,7,3,/,7,3.0,/' out >got
sed 's/1e-9/SMALL/; s/,7,3,/,7,3.0,/' "domo/datasets/$G.csv" >want
ok 'NULL, "", quotes, large numbers, decimals stay' diff -u want got
run domo-cat --columns 'day, "A ""b"", c",id' "$G"
out_is 'columns in another order; case does not count' 'day,"A ""b"", c",Id
2020-01-31,plain,1
2020-02-29,"two
lines, ""quoted""",9007199254740993
,,-3
1999-12-31,"",4
2024-06-30,héllo 😀,5'
run domo-cat -S --columns 'day,id' "$G"
out_is 'their schema' 'name,type
day,DATE
Id,LONG'
run domo-cat -i --columns 'day,id' --where '`Id` > 1' "$G"
out_like 'their metadata' '"",3,2,27,DomoSupport'
run domo-cat -i --limit 2 "$G"
out_like 'and with a limit' '"",2,6,27,DomoSupport'
run domo-cat --columns id --where "\`day\` = '2020-02-29' OR \`Id\` = 5" "$G"
out_is '--where' 'Id
9007199254740993
5'
run domo-cat --columns id --limit 2 "$G"
out_is '--limit' 'Id
1
9007199254740993'
run domo-cat --columns id --limit 0 "$G"
out_is '--limit 0: the header' Id
run domo-cat --columns id --where '`Id` > 99999999999999999' "$G"
out_is 'nothing chosen: the header' Id
run domo-cat --columns id --since-column id --since 4 "$G"
out_is '--since: a number' 'Id
9007199254740993
5'
run domo-cat --columns id --since-column AT --since 2020-01-31T23:59:59 \
	--where '`Id` < 9 OR `Id` > 9' "$G"
out_is '--since: a time, and --where' 'Id
9007199254740993
5'
run domo-cat --columns id --since-column 'A "b", c' --since "it's" "$G"
out_is '--since: text with a quote' 'Id
1
9007199254740993'
run domo-cat --since-column id "$G"
out_same 'no --since: all' "domo/datasets/$G.csv"
RSW_DOMO_COLUMNS=id RSW_DOMO_LIMIT=1 run domo-cat "$G"
out_is 'from the configuration' 'Id
1'
run domo-cat --spool --columns id --limit 1 "$G"
out_is 'by way of a file' 'Id
1'
fails 'a column that is not there' 1 \
	"cannot export '$G': it has no column 'x'; its columns are: Id, A \"b\", c, amount," \
	domo-cat --columns id,x "$G"
fails 'no column' 1 'the list of columns is empty' domo-cat --columns ' ' "$G"
fails '--since of no column' 1 "it has no column 'x'" \
	domo-cat --since-column x --since 1 "$G"
fails '--since: no number' 1 "column 'Id' is a LONG, and 'x' is no number" \
	domo-cat --since-column id --since x "$G"
fails 'wrong SQL' 1 'Domo says 400 .*: Query failed: .*' domo-cat --where '(' "$G"
fails 'a wrong --limit' 2 "cannot use '-1' as 'domo_limit'" domo-cat --limit -1 "$G"
dataset "$F-x" '{"name": "x", "schema": {"columns": [{"name": "a`b", "type": "LONG"},
	{"name": "a\\b", "type": "LONG"}]}}' <<'C'
a`b,a\b
1,2
C
run domo-cat --columns 'a\b' "$F-x"
out_is 'a name with a backslash' 'a\b
2'

# --- the answer is not whole, or not one -------------------------------------

query='"path": "/query/execute/"'
rows='"path": "/query/execute/", "every": 2' # not those for COUNT(*)
breaks() {
	b_what=$1 b_status=$2 b_says=$3
	shift 3
	run domo-cat --tries 2 "$@"
	status_is "$b_status" "$b_what: status $b_status"
	err_like "$b_what: says so" "^domo-cat: cannot export '.*': $b_says"
	ok "$b_what: no newline at the end" cut_short
	ok "$b_what: s3-stage refuses it" stage_refuses
}
cut_short() { [ "$(tail -c 1 out | od -An -tx1 | tr -d ' ')" != 0a ]; }
body() { # the answer to a query for Id
	fault "{$rows, \"fault\": \"status\", \"status\": 200,
		\"kind\": \"application/json\", \"body\": \"$1\"}"
}
head='\"columns\": [\"Id\"], '
all='[1],[2],[3],[4],[5]'
body "{$head\\\"rows\\\": [$all], \\\"numRows\\\": 5}"
run domo-cat --columns id "$G"
status_is 0 'an answer made by hand'
body "{\\\"rows\\\": [$all], $head\\\"x\\\": {\\\"rows\\\": [[[]]]}}"
run domo-cat --columns id "$G"
status_is 0 'one in another order'
body "{$head\\\"rows\\\": [$all], \\\"numRows\\\": 6}"
breaks 'it says that it has more' 75 '5 of the 6 rows came that the answer says' --columns id "$G"
body "{$head\\\"rows\\\": [[1]], \\\"numRows\\\": 1}"
breaks 'fewer rows than are counted' 75 '1 rows came, but Domo says that it has 5' --columns id "$G"
body "{$head\\\"rows\\\": [[1],[2]"
breaks 'it is cut' 75 'the answer to the query is broken after 2 rows: it ends too early' --columns id "$G"
body "{$head\\\"rows\\\": [[1],[2,3]], \\\"numRows\\\": 2}"
breaks 'a row with too many cells' 75 'the answer .*: a row has another number of cells' --columns id "$G"
body "{\\\"columns\\\": [\\\"Day\\\"], \\\"rows\\\": [$all], \\\"numRows\\\": 5}"
breaks 'another column' 1 "the answer to the query has a column 'Day' that was not asked for there" --columns id "$G"
body '[1]'
breaks 'no object' 75 'the answer to the query is broken after 0 rows: it is not an object' --columns id "$G"
body '{}'
breaks 'an empty object' 75 'the answer to the query is broken after 0 rows: it has no rows' --columns id "$G"
body '{\"status\": 503, \"message\": \"Overloaded\", \"toe\": \"A-B-C\"}'
breaks 'an error in a 200' 75 'the answer is no export \(type application/json\): Domo says 200: Overloaded \(toe A-B-C\)' --columns id "$G"
fault "{$rows, \"fault\": \"html-login\"}"
breaks 'a page' 1 "the answer is no export \(type text/html.*titled 'Domo'" --columns id "$G"
fault "{$query, \"fault\": \"html-503\", \"times\": 4}"
run domo-cat --columns id "$G"
status_is 0 '503 four times'
fault "{$query, \"fault\": \"400-wrapped\"}"
breaks '400' 1 'Domo says 400 Bad Request: Infrastructure problem' --columns id "$G"
fault

# The cap: 12 rows here, a million at Domo's.
i=0
while [ $i -lt 20 ]; do echo "x,$i"; i=$((i + 1)); done >>"domo/datasets/$F.csv"
breaks 'more rows than a query gives' 75 '12 rows came, but Domo says that it has 29' --columns N "$F"
run domo-cat --columns N --limit 12 "$F"
same 'as many as it gives' "$(wc -l <out)" 13
body "{$head\\\"rows\\\": [[1000001]], \\\"numRows\\\": 1}"
fault "{$query, \"fault\": \"status\", \"status\": 200, \"kind\": \"application/json\",
	\"body\": \"{\\\"rows\\\": [[1000001]]}\"}"
breaks 'more rows than Domo gives' 1 '1000001 rows are chosen, and Domo cuts the answer to a query at 1000000' --columns N "$F"
out_empty 'nothing has left'
same 'and only their number was asked for' "$(requests POST "/query/execute/$F")" 1
fault

# --- formulas ----------------------------------------------------------------

sed -i '/^x,/d' "domo/datasets/$F.csv"
run domo-cat "$F"
out_same 'raw by default' "domo/datasets/$F.csv"
run domo-cat --formulas escaped "$F"
out_same '--formulas=escaped' marked
run domo-cat --formulas escaped --unescape "$F"
out_same 'and back again' "domo/datasets/$F.csv"
run domo-cat --formulas default "$F"
out_same '--formulas=default: as the server likes' marked
same 'raw asks for false' "$(grep -c 'disableFormulaInterpretation=false' domo/requests.log)" 1
same 'escaped asks for true' "$(grep -c 'disableFormulaInterpretation=true' domo/requests.log)" 2
# A server with the other sense, and one that always escapes.
fault '{"fault": "formula", "true": false, "false": true}'
run domo-cat --formulas raw "$F"
out_same 'the other sense: raw is escaped' marked
run domo-cat --unescape "$F"
out_same 'which --unescape mends' "domo/datasets/$F.csv"
run domo-cat --formulas escaped "$F"
out_same 'the other sense: escaped is raw' "domo/datasets/$F.csv"
fault '{"fault": "formula", "true": true, "false": true}'
run domo-cat --unescape --spool "$F"
out_same 'always escaped: --unescape mends it' "domo/datasets/$F.csv"
run domo-cat --columns Text,N --where '1=1' "$F"
out_same 'a query has no marks' "domo/datasets/$F.csv"
done_testing
