# shellcheck shell=sh
# TAP for tests in sh; sourced first by every t/*.t:
#	. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
# A test runs in its own empty directory $T, which goes at the end, with the
# programs of the build first on PATH. What fails shows its stderr.

srcdir=$(cd "${srcdir:-$(dirname "$0")/..}" && pwd)
builddir=${builddir:-$PWD}
[ -x "$builddir/bin/rs-config" ] ||
	{ echo "Bail out! run this in the build directory, after make"; exit 99; }
PATH=$builddir/bin:$srcdir/bin:$PATH
export PATH srcdir builddir
LC_ALL=C.UTF-8
export LC_ALL
# What make tells its children is not for a make that a test runs.
unset MAKEFLAGS MFLAGS MAKELEVEL
unset RS_WRITEBACK_CONFIG XDG_CONFIG_HOME XDG_STATE_HOME

T=$(mktemp -d "${TMPDIR:-/tmp}/rsw-test.XXXXXX") || exit 99
HOME=$T/home
export HOME
mkdir "$HOME"
cd "$T" || exit 99
t_count=0 t_failed=0 status=0

# at_end COMMAND: run it when the test ends, however it ends, last one first.
t_at_end=
at_end() { t_at_end="$*
$t_at_end"; }
t_end() {
	t_status=$?
	trap - EXIT HUP INT TERM
	eval "$t_at_end"
	cd / && rm -rf "$T"
	exit "$t_status"
}
trap t_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# run COMMAND...: stdout to the file out, stderr to err, status to $status.
# stdin is the file in if the test made one by `input`, else empty.
run() {
	if [ -f in ]; then
		"$@" <in >out 2>err
	else
		"$@" </dev/null >out 2>err
	fi
	status=$?
	t_what=$*
	rm -f in
}
input() { cat >in; }

# One result line; a failing one is followed by what is known.
ok() {	# ok DESCRIPTION COMMAND...: the command must succeed
	t_count=$((t_count + 1))
	t_desc=$1
	shift
	if "$@" >t_out 2>&1; then
		echo "ok $t_count - $t_desc"
	else
		t_failed=$((t_failed + 1))
		echo "not ok $t_count - $t_desc"
		t_show "$@"
	fi
}
t_show() {
	echo "#   check: $*"
	sed 's/^/#   /' t_out
	echo "#   last run: ${t_what:-none}, status $status"
	[ ! -f err ] || sed 's/^/#   stderr: /' err | head -n 30
	[ ! -f out ] || sed 's/^/#   stdout: /' out | head -n 10
}

status_is() { ok "$2" t_same "$status" "$1"; }	# status_is N DESCRIPTION
out_is() { printf '%s\n' "$2" >t_want; ok "$1" diff -u t_want out; }
out_same() { ok "$1" diff -u "$2" out; }	# out_same DESCRIPTION FILE
err_is() { printf '%s\n' "$2" >t_want; ok "$1" diff -u t_want err; }
out_like() { ok "$1" t_like "$2" out; }		# out_like DESCRIPTION ERE
err_like() { ok "$1" t_like "$2" err; }
err_unlike() { ok "$1" t_unlike "$2" err; }
out_empty() { ok "$1" test ! -s out; }
err_empty() { ok "$1" test ! -s err; }
same() { ok "$1" t_same "$2" "$3"; }		# same DESCRIPTION GOT WANT
t_same() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'"; return 1; }; }
t_like() { grep -Eq -- "$1" "$2" || { echo "no /$1/ in:"; cat "$2"; return 1; }; }
t_unlike() { ! grep -Eq -- "$1" "$2" || { echo "/$1/ in:"; cat "$2"; return 1; }; }

# fails DESCRIPTION STATUS ERE COMMAND...: fails in this way, with one line
# that matches, and prints nothing on stdout.
fails() {
	t_d=$1 t_s=$2 t_e=$3
	shift 3
	run "$@"
	status_is "$t_s" "$t_d: status $t_s"
	err_like "$t_d: says so" "$t_e"
	out_empty "$t_d: no output"
}

# A test, or the rest of one, that cannot run here says why; with RSW_NO_SKIP
# it is a failure.
skip_all() {
	if [ -n "${RSW_NO_SKIP:-}" ]; then
		echo "Bail out! $1"
		exit 99
	fi
	if [ "$t_count" -gt 0 ]; then
		t_count=$((t_count + 1))
		echo "ok $t_count # SKIP $1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
done_testing() {
	echo "1..$t_count"
	[ "$t_failed" -eq 0 ]
	exit
}

# sandbox [OPTION...]: a sandbox of this test's own, its variables exported.
# XDG_RUNTIME_DIR: what `t/sandbox status` finds by itself stays the user's.
sandbox() {
	XDG_RUNTIME_DIR=$T
	export XDG_RUNTIME_DIR
	"$srcdir/t/sandbox" start --until $$ "$@" "$T/sandbox" >sandbox.log 2>&1 ||
		{ sed 's/^/# /' sandbox.log; echo "Bail out! no sandbox"; exit 99; }
	at_end '"$srcdir/t/sandbox" stop "$T/sandbox" >/dev/null 2>&1'
	eval "$("$srcdir/t/sandbox" env "$T/sandbox")"
}
