#!/bin/sh
# What lies in contrib/ works: each file is read by the real tool, the tasks
# of the Airflow example are run, the report has what ran, completions complete.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"
contrib=$srcdir/contrib

id=73737373-0000-0000-0000-000000000001
dataset $id 'Sales' k:LONG,v:STRING <<'E'
k,v
1,one
E
job sales dataset_id=$id table_name_source=custom_name custom_table_name=sales
job '<b>&"x"' dataset_id=00000000-0000-0000-0000-000000000000

# systemd
command -v systemd-analyze >/dev/null || skip_all 'systemd-analyze is missing'
mkdir units
for f in "$contrib"/systemd/*; do
	sed "s,/usr/local/bin/,$srcdir/bin/," "$f" >"units/${f##*/}"
done
run systemd-analyze verify --man=no "$T/units/rs-writeback@sales.service" \
	"$T/units/rs-writeback@sales.timer"
status_is 0 'systemd takes the units'
ok 'without a word about them' t_unlike 'rs-writeback@' err
run systemd-analyze calendar hourly
status_is 0 'and the calendar'

# make, cron, Kubernetes, Docker
run make -n -f "$contrib/examples/Makefile" sales
out_is 'make runs a job' 'rs-writeback -q sales'
ok 'crontab: five fields and a command' awk '
	/^#/ || /^$/ { next } NF < 6 { exit 1 }
	{ for (i = 1; i <= 5; i++) if ($i !~ /^[-0-9*,\/]+$/) exit 1 }' \
	"$contrib/examples/crontab"
cat >k8s.py <<'E'
import sys, yaml
job = yaml.safe_load(open(sys.argv[1]))
assert job['kind'] == 'CronJob' and job['apiVersion'] == 'batch/v1'
assert job['spec']['concurrencyPolicy'] == 'Forbid'
pod = job['spec']['jobTemplate']['spec']['template']['spec']
volumes = {v['name'] for v in pod['volumes']}
for c in pod['containers'] + pod['initContainers']:
    assert {m['name'] for m in c['volumeMounts']} <= volumes
E
run /usr/bin/python3 k8s.py "$contrib/examples/cronjob.yaml"
status_is 0 'the CronJob is YAML, and its volumes are there'
sed -n '/^FROM debian:12-slim/,$p' "$contrib/examples/Dockerfile" |
	tr ' ' '\n' | grep '^lib' >libs
for f in "$builddir"/bin/domo-cat "$builddir"/bin/rs-load \
	"$builddir"/bin/s3-stage "$builddir"/bin/ssh-fwd; do
	ldd "$f" | awk '$3 ~ /^\// { print $3 }'
done | sort -u >used
for lib in libcsv.so libcurl.so libinih.so libjansson.so libpq.so libssh2.so; do
	grep -q "/$lib" used || continue
	ok "the image has ${lib%.so}" t_like "^${lib%.so}" libs
done

# Airflow: its own classes replaced by ones that print the commands
mkdir -p stub/airflow/operators
cat >stub/airflow/__init__.py <<'E'
class DAG:
    def __init__(self, name, **kw):
        assert kw['max_active_runs'] == 1
    def __enter__(self):
        return self
    def __exit__(self, *a):
        pass
E
: >stub/airflow/operators/__init__.py
cat >stub/airflow/operators/bash.py <<'E'
class BashOperator:
    def __init__(self, task_id, bash_command):
        print(bash_command.replace('{{ ds_nodash }}', '20260101'))
    def __rshift__(self, other):
        return other
E
run env PYTHONPATH="$T/stub" PYTHONDONTWRITEBYTECODE=1 \
	/usr/bin/python3 "$contrib/examples/airflow_dag.py"
status_is 0 'the DAG is made'
sed "s,/var/tmp/rs-writeback,$T/work,g" out >tasks
same 'one program a task' "$(wc -l <tasks)" 4
run sh -e tasks
status_is 0 'its tasks run'
ok 'and load the rows' t_same "$(rows sales)" 'k,v
1,one'
same 'and clean up' "$(staged)" 0

# The report
rs-writeback -q sales 2>/dev/null
rs-writeback -q '<b>&"x"' 2>/dev/null
run "$contrib/report"
status_is 0 'the report'
mv out report.html
ok 'has each job, its name escaped' t_same "$(grep -o '<h2 [^>]*>.*</h2>' report.html)" \
	'<h2 id="job1">sales</h2>
<h2 id="job2">&lt;b&gt;&amp;&quot;x&quot;</h2>'
ok 'and the failure' grep -q '^<tr class="bad">.*<p>domo-cat: .*404' report.html
run "$contrib/report" sales
ok 'of one job: that one only' test "$(grep -c '<h2 ' out)" -eq 1

# Completions
cat >complete.bash <<'E'
. "$1"
COMP_WORDS=(rs-writeback "${@:2}") COMP_CWORD=$(($# - 1))
_rs_writeback
printf '%s\n' "${COMPREPLY[@]}"
E
run bash complete.bash "$contrib/completion/rs-writeback.bash" sal
out_is 'bash: a job' sales
run bash complete.bash "$contrib/completion/rs-writeback.bash" --check sandbox-pa
out_is 'bash: an account' sandbox-password
run bash complete.bash "$contrib/completion/rs-writeback.bash" --dry
out_is 'bash: an option' --dry-run
# --- bench -------------------------------------------------------------------

BUILD=$builddir run "$contrib/bench" --only domo-cat --size 2M
status_is 0 'bench: domo-cat beside curl'
out_like 'bench: both were measured' '^2M +curl +wall +[0-9.]+ s, CPU'
out_like 'bench: with their memory' '^2M +domo-cat +wall .* peak +[0-9.]+ MiB$'

command -v zsh >/dev/null || skip_all 'zsh is not installed'
run zsh -n "$contrib/completion/_rs-writeback"
status_is 0 'zsh: reads its file'
rs-writeback -h | grep -oE -- '(^ *|  +|, )--?[a-zA-Z][a-z-]*' |
	sed 's/^[ ,]*//' | sort -u >options
for o in $(cat options); do
	grep -qe "{$o,\|,$o}\|'(\?$o\[" -e "'$o\[" "$contrib/completion/_rs-writeback" ||
		echo "$o"
done >missing
ok 'zsh: knows all options' cmp missing /dev/null
done_testing
