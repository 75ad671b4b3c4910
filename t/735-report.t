#!/bin/sh
# The report, rendered in a browser: its rows, plots and links are there and
# can be seen, narrow and wide, light and dark; it asks nobody for anything.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/browser.sh"

# The tools of this test see what they are to see.
cat >bad.html <<'E'
<!DOCTYPE html><title>x</title><img src="http://example.test/x.png">
<script>console.error("wrong")</script>
E
browser --dump-dom "file://$T/bad.html" >dom
ok 'a page that asks the network is seen' t_like '^GET http://example.test/' asked
ok 'and one that complains' t_like 'wrong' console

# A history: 70 good runs of one job, then one of each other kind, and a job
# that never went well.
cat >history.py <<'E'
import csv, sys
columns = ('run,start,end,job,dataset_id,dataset_name,data_time,table,mode,'
           'rows,bytes,staged_bytes,seconds,seconds_connect,seconds_export,'
           'seconds_load,seconds_clean,attempts,status,result,error').split(',')
out = csv.DictWriter(sys.stdout, columns, lineterminator='\n')
out.writeheader()
def run(n, job, result, status, rows='', error='', **more):
    start = '2026-%02d-%02dT%02d:10:00Z' % (1 + n // 672 % 12,
                                            1 + n // 24 % 28, n % 24)
    out.writerow(dict(run='run%d' % n, start=start, job=job, rows=rows,
        seconds='4.00', seconds_connect='0.50', seconds_export='1.00',
        seconds_load='2.00', seconds_clean='0.50', bytes=2500000,
        attempts=1, status=status, result=result, error=error) | more)
many = int(sys.argv[1])
for n in range(many):
    run(n, 'sales', 'loaded', 0, 1000 + n)
run(many, 'sales', 'failed', 1, error='rs-load: "1,5": <b>no</b> & \'number\'')
run(many + 1, 'sales', 'failed', 75, attempts=3)
run(many + 2, 'sales', 'stopped', 143)
run(many + 3, 'sales', 'killed', '', error='killed', seconds='')
run(many + 4, 'sales', 'unchanged', 0, 0)
run(many + 5, 'sales', 'repeated', 0, 1234567)
run(many + 6, 'sales', 'unfinished', '', seconds='')
run(3, '<b>&"x"', 'failed', 1)
E
/usr/bin/python3 history.py 70 >history.csv
run "$srcdir/contrib/report" -f history.csv
status_is 0 'the report'
err_empty 'without a word'
mv out report.html
ok 'names no other place' t_unlike '(src|href)="[^#]|https?:|url\(' report.html

browser --dump-dom "file://$T/report.html" >dom
same 'the browser renders it' $? 0
ok 'complains of nothing' cmp console /dev/null
ok 'and asks nobody' cmp asked /dev/null

# Measured in the browser: a copy of the page with a script.
cat >measure.html <<'E'
<script>
const all = (q, at = document) => [...at.querySelectorAll(q)];
const seen = e => { const r = e.getBoundingClientRect();
	return e.checkVisibility() && r.width > 0 && r.height > 0; };
const height = e => e.getBoundingClientRect().height;
const light = c => { const v = c.match(/[\d.]+/g).slice(0, 3).map(x => {
	x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
	return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
const paper = light(getComputedStyle(document.body).backgroundColor);
const contrast = (e, how) => { const c = light(getComputedStyle(e)[how]);
	return (Math.max(c, paper) + .05) / (Math.min(c, paper) + .05); };
const said = [];
const say = (name, value) => said.push(name + ' ' + value);
const [first, second] = all('section');
const [rows, seconds] = all('figure', first);
say('sections', all('section').length);
say('figures', all('figure').filter(seen).length);
say('links', all('a').filter(a => document.querySelector(
	a.getAttribute('href')).closest('section')).length);
say('row-bars', all('rect.good', rows).filter(seen).length);
say('crosses', all('.cross', rows).filter(seen).length);
say('step-bars', all('.s3', seconds).filter(seen).length);
const bars = all('rect.good', rows), last = bars[bars.length - 1];
say('share', (height(last) / height(rows.querySelector('.hit'))).toFixed(2));
const part = s => height(seconds.querySelector('.s' + s));
say('steps', [1, 2, 3, 4].map(s => (part(s) / part(1)).toFixed(1)).join(' '));
say('rows-shown', all('tbody tr', first).filter(seen).length);
say('folded', all('details tbody tr', first).length);
say('summary', all('summary', first).map(e => e.textContent).join('; '));
say('failed', all('tr.bad', first).filter(seen).length);
say('text', all('tr.bad p', first).map(e => e.textContent).pop());
say('name', second.querySelector('h2').textContent);
say('axis', all('text', rows).map(e => e.textContent).join(' '));
say('tooltip', all('title', rows).pop().textContent);
say('wide', document.documentElement.scrollWidth <= innerWidth);
say('dark', paper < .5);
say('readable', all('body, .dim, b, th, td, code, text, p, summary, figcaption').
	every(e => contrast(e, e.closest('svg') ? 'fill' : 'color') >= 4.5));
say('visible', all('rect.good, rect.bad, .s1, .s2, .s3, .s4').
	every(e => contrast(e, 'fill') >= 1.8));
document.body.innerText = said.join('\n');
</script>
E
sed 's/<meta http-equiv[^>]*>//; /^<\/body>/d' report.html |
	cat - measure.html >measured.html
# measure OPTION...: what it says goes to the file out.
measure() {
	browser --dump-dom "$@" "file://$T/measured.html" |
		sed 's/<br>/\n/g' | sed 's/<[^>]*>//g' >out
	err=browser.log
}
measure --window-size=1200,900
for line in 'sections 2' 'figures 5' 'links 2' 'crosses 4' 'dark false' \
	'rows-shown 20' 'folded 57' 'summary 2026-01: 57 more runs' 'failed 4' \
	"text rs-load: \"1,5\": &lt;b&gt;no&lt;/b&gt; &amp; 'number'" \
	'name &lt;b&gt;&amp;"x"' 'axis 0 1M 2M 2026-01-01 17:10 2026-01-04 04:10' \
	'row-bars 54' 'share 0.62' 'step-bars 59' 'steps 1.0 2.0 4.0 1.0' \
	'tooltip 2026-01-04 04:10 UTC: unfinished' \
	'readable true' 'visible true' 'wide true'; do
	ok "wide, light: $line" grep -qxF "$line" out
done
measure --window-size=400,900 --blink-settings=preferredColorScheme=0
for line in 'figures 5' 'dark true' 'readable true' 'visible true' 'wide true'; do
	ok "narrow, dark: $line" grep -qxF "$line" out
done

# Thousands of runs: made and shown in a moment.
/usr/bin/python3 history.py 8000 >history.csv
input <history.csv
run timeout 20 "$srcdir/contrib/report" -f -
status_is 0 'a report of 8,000 runs'
mv out report.html
browser --timeout=20000 --dump-dom "file://$T/report.html" >dom
same 'is rendered' $? 0
ok 'whole' test "$(grep -o '<tr class=' dom | wc -l)" -eq 8010
ok 'and is not large' test "$(wc -c <report.html)" -lt 3000000

# No run yet
head -n 1 history.csv | "$srcdir/contrib/report" -f - >empty.html
browser --dump-dom "file://$T/empty.html" >dom
ok 'a report without runs says so' t_like 'No runs yet' dom
done_testing
