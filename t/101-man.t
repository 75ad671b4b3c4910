#!/bin/sh
# Every program has a page, and usage text and page name the same options.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v mandoc >/dev/null || skip_all 'mandoc is not installed'

programs=$(cd "$builddir/bin" && find . -type f -perm -100 | sed 's/..//' | sort)
programs="$programs rs-writeback"
for page in "$srcdir"/man/*.[157]; do
	# That a page of ours is not installed is no fault of the page.
	mandoc -Tlint "$page" >lint 2>&1
	grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' lint >lint2
	ok "${page##*/}: mandoc finds nothing" cmp lint2 /dev/null
done

# --long and -x where the usage text and the page's OPTIONS explain them.
of_usage() {
	"$1" -h </dev/null | grep '^ *-' |
		grep -oE '(^ *|  +|, )--?[[:alnum:]][-[:alnum:]]*' |
		sed 's/^[ ,]*//' | sort -u
}
of_page() {
	sed -n '/^\.Sh OPTIONS/,/^\.Sh [A-N]/p' "$srcdir/man/$1.1" |
		grep '^\.It Fl' | tr ' ,' '\n\n' |
		sed -n 's/^\\-\\*\(.*\)/--\1/p; s/^\([[:alnum:]]\)$/-\1/p' |
		sed 's/\\-/-/g' | sort -u
}
for p in $programs; do
	[ -f "$srcdir/man/$p.1" ] || { ok "$p has a page" false; continue; }
	of_usage "$p" >usage
	of_page "$p" >page
	ok "$p: usage and page name the same options" diff -u usage page
	for s in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT FILES \
	    'EXIT STATUS' EXAMPLES DIAGNOSTICS 'SEE ALSO'; do
		ok "$p: the page has $s" grep -qx ".Sh $s" "$srcdir/man/$p.1"
	done
	run "$p" --version
	out_is "$p --version" "$p (rs-writeback) $(rs-config --version | sed 's/.* //')"
	run "$p" -h
	status_is 0 "$p -h"
	out_like "$p -h: the synopsis first" "^usage: $p "
	run "$p" --no-such-option
	status_is 2 "$p: a wrong option is usage"
	err_like "$p: says which" "^$p: unknown option '--no-such-option'"
	out_empty "$p: and prints nothing"
done
# The examples of rs-writeback.conf(5) are a configuration that can be read.
sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAG/p' "$srcdir/man/rs-writeback.conf.5" |
	sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' >conf
chmod 600 conf
RS_WRITEBACK_CONFIG=conf run rs-config -l -l
out_is 'the examples of rs-writeback.conf(5) can be read' 'work
default'
RS_WRITEBACK_CONFIG=conf run rs-config -j sales bucket append_or_overwrite
out_is 'and mean what they say' 'my-staging
overwrite'
rs-config -k | sort >keys
sed -n 's/^\.It Ic //p' "$srcdir/man/rs-writeback.conf.5" | tr ' ,' '\n\n' |
	grep . | sort >documented
ok 'rs-writeback.conf(5) has every key, and no other' diff -u keys documented
done_testing
