# shellcheck shell=sh
# For the tests that look at a page: headless Chromium, if it is installed.
# Sourced after t/lib.sh.

for t_browser in chromium-headless-shell chromium google-chrome none; do
	command -v $t_browser >/dev/null && break
done
[ "$t_browser" != none ] || skip_all 'the report is not rendered: Chromium is not installed (apt-get install chromium-headless-shell)'

# A proxy that writes down who asks: a page that asks the network is seen.
cat >proxy.py <<'E'
import socket
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True:
    c = s.accept()[0]
    with open('asked', 'ab') as f:
        f.write(c.recv(4096).split(b'\r\n')[0] + b'\n')
    c.close()
E
: >asked
/usr/bin/python3 proxy.py >port &
at_end "kill $! 2>/dev/null"
while [ ! -s port ]; do sleep 0.05; done

# browser OPTION... PAGE: what the page says on the console goes to the file
# console, what it asks the network for to the file asked.
browser() {
	: >asked
	HOME=$T timeout 60 "$t_browser" --headless --no-sandbox --disable-gpu \
		--proxy-server="127.0.0.1:$(cat port)" --proxy-bypass-list='<-loopback>' \
		--user-data-dir="$T/browser" --enable-logging=stderr \
		"$@" 2>browser.log
	t_rc=$?
	grep -E 'CONSOLE' browser.log >console
	return $t_rc
}
