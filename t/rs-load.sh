# For the tests of rs-load, sourced after lib.sh: a sandbox with S3 and the
# database, files staged by hand, so that a test can tell rs-load anything.

command -v psql >/dev/null || skip_all 'psql is not installed'
sandbox --only s3,db
PGHOSTADDR=127.0.0.1 RSW_RETRY_SCALE=0.01 RSW_ACCOUNT=sandbox
export PGHOSTADDR RSW_RETRY_SCALE RSW_ACCOUNT

# sql TEXT: what the table really holds, asked behind the stand-in's back.
sql() {
	env -u PGHOSTADDR psql -X -At -F '|' -h "$SANDBOX_PG_SOCKET" -p 5432 \
		-U postgres dev -c "$1"
}
rows_are() { same "$1" "$(sql "$2" 2>&1)" "$3"; }  # DESCRIPTION SQL WANT

# upload FILE KEY [FILE KEY]...: to the sandbox's bucket.
upload() {
	printf '%s\t%s\n' "$@" | /usr/bin/python3 "$srcdir/t/standin/s3put.py" ||
		{ echo "Bail out! cannot upload"; exit 99; }
}

# columns NAME:TYPE[:A[:B]][/MAX_BYTES[/NULLS]]...: $elements and $measured.
columns() {
	elements='' measured=''
	for c; do
		spec=${c%%/*} n=${c%%:*}
		t=${spec#*:} a='' b=''
		case $t in *:*) a=${t#*:} t=${t%%:*} ;; esac
		case $a in *:*) b=${a#*:} a=${a%%:*} ;; esac
		case $t in
		numeric) a="${a:+,\"precision\":$a}${b:+,\"scale\":$b}" ;;
		*) a=${a:+,\"max_length\":$a} ;;
		esac
		elements="$elements${elements:+,}
 {\"name\":\"$n\",\"type\":{\"base\":\"$t\"$a}}"
		case $c in
		*/*/*) b=",\"max_bytes\":${c#*/},\"nulls\":${c##*/}" b=$(echo "$b" |
			sed 's|/[0-9]*,|,|') ;;
		*/*) b=",\"max_bytes\":${c#*/}" ;;
		*) b='' ;;
		esac
		measured="$measured${measured:+,}{\"name\":\"$n\"$b}"
	done
}

# stage RUN FILE...: upload the files, rows without a header, under the run's
# prefix; the manifest goes to the file RUN.manifest and to S3. Columns as
# `columns` was told. $extra: more members of rs_writeback.
stage() {
	run_id=$1 entries='' total=0 staged=''
	shift
	for f; do
		staged="$staged $f $run_id/$f"
		rows=$(grep -c '' "$f")
		total=$((total + rows))
		entries="$entries${entries:+,}
 {\"url\":\"s3://$SANDBOX_BUCKET/$run_id/$f\",\"mandatory\":true,
  \"meta\":{\"content_length\":$(wc -c <"$f"),\"record_count\":$rows}}"
	done
	manifest
}
manifest() {
	cat >"$run_id.manifest" <<-E
	{"entries":[$entries],
	"schema":{"elements":[$elements]},
	"meta":{"record_count":$total},
	"rs_writeback":{"run_id":"$run_id","compression":"none",
	"manifest_url":"s3://$SANDBOX_BUCKET/$run_id/manifest",
	"null_string":"\\\\N"${extra:-},"columns":[$measured]}}
	E
	# shellcheck disable=SC2086 # pairs of words
	upload "$run_id.manifest" "$run_id/manifest" $staged
}

# load RUN [OPTION...]: rs-load with the run's manifest.
load() {
	cp "$1.manifest" in
	shift
	run rs-load "$@"
}

# fault JSON: trouble on order, see t/standin/rs/faults.py; none without.
fault() {
	printf '%s\n' "${1:-[]}" >"$RSW_SANDBOX/db/faults.new"
	mv "$RSW_SANDBOX/db/faults.new" "$RSW_SANDBOX/db/faults.json"
}
# The statements that clients sent, as the stand-in wrote them down.
statements() { cat "$RSW_SANDBOX/db/statements.log"; }

# other_standin NAME MEMBERS: one more stand-in before the same PostgreSQL,
# with other settings; what follows goes there.
other_standin() {
	mkdir "$T/$1"
	sed "\$s|}[[:space:]]*\$|, $2}|" "$RSW_SANDBOX/db/config.json" \
		>"$T/$1/config.json"
	: >"$T/$1/ready"
	/usr/bin/python3 "$srcdir/t/standin/redshift.py" "$T/$1" \
		>"$T/$1/ready" 2>"$T/$1/log" &
	at_end "kill $! 2>/dev/null"
	t_tries=200
	until read -r t_word PGPORT <"$T/$1/ready" && [ "$t_word" = ready ]; do
		t_tries=$((t_tries - 1))
		[ "$t_tries" -gt 0 ] ||
			{ cat "$T/$1/log"; echo "Bail out! no stand-in"; exit 99; }
		sleep 0.05
	done
	export PGPORT
}
