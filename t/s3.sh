# For tests of s3-stage, s3-cat and s3-unstage; sourced after lib.sh. A
# sandbox with S3 only; pauses between attempts are short.

sandbox --only s3
RSW_RETRY_SCALE=0.01
RSW_ACCOUNT=sandbox
export RSW_RETRY_SCALE RSW_ACCOUNT

s3view() { env -u AWS_PROFILE /usr/bin/python3 "$srcdir/t/standin/s3view.py" "$@"; }
# faults JSON...: the rules in force from now on; without JSON none.
faults() {
	rules=
	for rule in "$@"; do rules="$rules${rules:+, }$rule"; done
	echo "[$rules]" >"$RSW_SANDBOX/s3/faults.new"
	mv "$RSW_SANDBOX/s3/faults.new" "$RSW_SANDBOX/s3/faults.json"
}
nothing_stored() { s3view ls >listing && diff /dev/null listing; }
forget_log() { : >"$RSW_SANDBOX/s3/requests.log"; }

# unstaged DESCRIPTION: what the manifest in the file `out` lists goes.
unstaged() {
	cp out manifest
	ok "$1" s3-unstage <manifest
}

# refused DESCRIPTION ERE FORMAT [OPTION...]: this CSV (for printf) is not
# staged: status 1, this message, nothing printed, nothing stored. FORMAT -:
# the file `csv`.
refused() {
	r_what=$1 r_says=$2
	# shellcheck disable=SC2059 # it is a format
	[ "$3" = - ] || printf "$3" >csv
	shift 3
	input <csv
	fails "$r_what" 1 "$r_says" s3-stage "$@"
	same "$r_what: in one line" "$(wc -l <err)" 1
	ok "$r_what: nothing is stored" nothing_stored
}

# comes DESCRIPTION FORMAT WANT [OPTION...]: this CSV is staged as WANT.
comes() {
	c_what=$1
	# shellcheck disable=SC2059
	printf "$2" >csv
	printf "$3" >want	# shellcheck disable=SC2059
	shift 3
	input <csv
	run s3-stage --compress none "$@"
	status_is 0 "$c_what"
	cp out manifest
	s3-cat -r <manifest >rows
	ok "$c_what: as it should be" diff want rows
	unstaged "$c_what: and it goes"
}
