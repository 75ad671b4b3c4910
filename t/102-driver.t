#!/bin/sh
# The driver is thin, and clean sh.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

driver=$srcdir/bin/rs-writeback
ok 'at most 200 lines' test "$(grep -c '' "$driver")" -le 200
ok 'dash takes it' dash -n "$driver"
command -v shellcheck >/dev/null || skip_all 'shellcheck is not installed'
for f in "$driver" "$srcdir"/contrib/build "$srcdir"/contrib/check \
	"$srcdir"/contrib/check-systemd "$srcdir"/contrib/demo \
	"$srcdir"/contrib/first-day "$srcdir"/contrib/install-deps \
	"$srcdir"/contrib/report "$srcdir"/t/sandbox; do
	ok "shellcheck finds nothing in ${f##*/}" shellcheck "$f"
done
# Under cron: by its path, with little else on PATH.
mkdir installed && cp "$driver" installed
for p in rs-config rs-job; do ln -s "$builddir/bin/$p" installed; done
run env -i HOME="$HOME" PATH=/usr/bin:/bin "$T/installed/rs-writeback" --version
out_like 'finds the programs beside it' '^rs-writeback '
fails 'no job' 2 'no job given' rs-writeback
fails 'an unknown option' 2 "unknown option '-z'" rs-writeback -kz job
fails 'an unknown job' 2 'cannot open .*/config' rs-writeback -kvq job
done_testing
