#!/bin/sh
# rs-load: every statement that it can send, by whatever session, is sent once
# here; sqlfluff reads them by Redshift's grammar.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v sqlfluff >/dev/null || skip_all 'sqlfluff is not installed'
. "$srcdir/t/rs-load.sh"

logged() { load "$@" --log-sql log; [ "$status" -eq 0 ] || failed="$failed; $*"; }
failed=
printf "1,abc,2026-01-01,\\\\N\n" >f
extra=',"dataset":{"id":"d","name":"it'\''s \"x\" \\","rows":1}'
columns Id:bigint/1 'Na me:character varying:3/3' Day:date 'At:timestamp'
stage one f
logged one --diststyle key --distkey id --sortkey day,id --encode id=az64 t
logged one -a sandbox-role --overwrite t
logged one -a sandbox-token --create --sortkey auto --statement-timeout 60000 \
	--query-group "it's" t_1
logged one --merge 'id,na me' t
logged one --replace-where at t
logged one --replace-where day t
logged one --append --again t
logged one --append t
logged one --noload t
logged one --overwrite --overwrite-by truncate t
logged one --overwrite --max-errors 5 --rejects r t
# This sqlfluff knows no doubled quotes in a name.
logged one --ledger 'My runs' t

logged one --overwrite t

# Swap, with all that it copies; another's table; wider and new columns.
sql "GRANT SELECT ON t TO PUBLIC; GRANT UPDATE ON t TO postgres WITH GRANT OPTION;
	GRANT SELECT (id) ON t TO PUBLIC; COMMENT ON COLUMN t.id IS 'it''s \\ x';
	ALTER TABLE t ADD CONSTRAINT \"p k\" PRIMARY KEY (id)" >/dev/null
columns Id:bigint/1 'Na me:character varying:9/9' 'Neu:numeric:18:2'
printf '1,abcdefghi,1.00\n' >f
stage two f
logged two --overwrite --overwrite-by swap t_1
sql 'ALTER TABLE t OWNER TO postgres; ALTER ROLE loader SUPERUSER' >/dev/null
logged one --overwrite --overwrite-by swap t
sql 'ALTER ROLE loader NOSUPERUSER; ALTER TABLE t OWNER TO loader' >/dev/null

# Looks: lists, progress, files by either view, empty tables.
run rs-load -L
run rs-load -L public
fault '[{"match": "^COPY", "action": "stall-copy", "seconds": 2}]'
logged one -v --overwrite t
fault
sql 'REVOKE SELECT ON sys_load_history FROM PUBLIC' >/dev/null
logged one --overwrite t
sql 'GRANT SELECT ON sys_load_history TO PUBLIC; DELETE FROM t' >/dev/null
logged one --overwrite t

# Refused rows, and a COMMIT that has to be asked for.
columns Id:bigint
printf '1\nx\n' >f
extra='' stage bad f
logged bad --max-errors 1 --rejects r t
same 'all loads were done' "$failed" ''
load bad --again --log-sql log t
status_is 1 'but for one that fails'
fault '[{"match": "^COMMIT", "action": "drop-after", "times": 1}]'
load two --log-sql log --again --append t_1
status_is 0 'and one whose COMMIT is asked for'
fault

# What the stand-in got from all sessions; the loading one is the log's too.
cat >sent.py <<'E'
import json, os, re
with open(os.environ["RSW_SANDBOX"] + "/db/statements.log") as f:
    for line in f:
        text = re.sub(r"(SECRET_ACCESS_KEY|SESSION_TOKEN) '[^']*'",
                      r"\1 '***'", json.loads(line)["statement"])
        print(" ".join(text.split()) + ";")
E
/usr/bin/python3 sent.py | sort -u >sent.sql
ok 'no secret in the log' t_unlike \
	"$(cut -c 1-20 "$RSW_SANDBOX/secrets/aws" | tr '+/' '..')" log
tr -s ' ' <log | sort -u | comm -23 - sent.sql >unsent
ok 'the log has nothing else' test ! -s unsent
ok 'and what the second session sends' grep -q file_count_scanned log
# Every text in the sources that begins as a statement does was sent.
cat >texts.py <<'E'
import glob, os, re, sys
STRING = r'"((?:[^"\\]|\\.)*)"'
WORDS = ("SELECT INSERT DELETE UPDATE CREATE ALTER DROP GRANT COMMENT LOCK SET "
         "RESET SHOW COPY TRUNCATE BEGIN COMMIT ROLLBACK").split()
# PostgreSQL's own, which Redshift never sees
NOT_SENT = ("SELECT attname, attidentity",)
sent = open("sent.sql").read()
texts = 0
for path in sorted(glob.glob(os.environ["srcdir"] + "/lib/*.c")):
    name = os.path.basename(path)
    if not re.match(r"(load(?!pg)|catalog|sql|pg\.)", name):
        continue
    source = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
    source = re.sub(r"\bLOAD_STAGE\b", '"rs_writeback_stage"', source)
    for found in re.finditer(STRING + r"(?:\s*" + STRING + ")*", source):
        text = "".join(re.findall(STRING, found.group()))
        text = text.replace(r"\"", '"').replace(r"\\", "\\")
        if text.split(" ")[0].rstrip() not in WORDS or text.startswith(NOT_SENT):
            continue
        texts += 1
        pieces = re.split(r"%(?:\.\*)?[a-z]+|\$ID", text)
        if not re.search("^" + ".*".join(map(re.escape, pieces)), sent, re.M):
            print("%s: %s" % (name, text))
print(texts, "texts", file=sys.stderr)
E
run /usr/bin/python3 texts.py
out_empty 'all statements in the sources were sent'
ok 'and there are many' test "$(sed 's/ .*//' err)" -ge 40

# It passes over files of more than 20 kB otherwise.
printf '[sqlfluff]\nlarge_file_skip_byte_limit = 0\n' >.sqlfluff
sqlfluff parse --dialect redshift sent.sql >parsed 2>&1
same 'sqlfluff reads them all' "$(grep -c -i unparsable parsed)" 0
[ "$(grep -c -i unparsable parsed)" -eq 0 ] || {
	grep -i -A 3 '^L:\|unparsable' parsed | head -n 40 | sed 's/^/# /'; }
ok 'and finds statements in them' \
	test "$(grep -c ' statement:$' parsed)" -ge "$(wc -l <sent.sql)"
echo 'COPY "t" FORM 1;' >wrong.sql
sqlfluff parse --dialect redshift wrong.sql >parsed 2>&1
ok 'it does refuse what is wrong' grep -qi unparsable parsed
done_testing
