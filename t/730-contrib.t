#!/bin/sh
# What lies in contrib/ works: each file is read by the real tool, the tasks
# of the Airflow example are run, the report has what ran.
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
mkdir -p units/rs-writeback@.service.d
# The program where it is: `verify` wants to find it.
for f in "$contrib"/systemd/rs-writeback@.*; do
	sed "s,^ExecStart=,&$srcdir/bin/," "$f" >"units/${f##*/}"
done
dropin=units/rs-writeback@.service.d/credentials.conf
cp "$contrib/systemd/credentials.conf" "$dropin"
verify() {
	run systemd-analyze --user verify --man=no \
		"$T/units/rs-writeback@sales.service" \
		"$T/units/rs-writeback@sales.timer"
}
verify
status_is 0 'systemd takes the units and the credentials'
ok 'without a word about them' t_unlike 'rs-writeback@|credentials' err
echo 'LoadCredentials=a:b' >>"$dropin"
verify
err_like 'it would say a word' "credentials.conf:.*LoadCredentials"
run systemd-analyze security --offline=true --threshold=25 --no-pager \
	"$T/units/rs-writeback@.service"
status_is 0 'the service is exposed by 2.5 of 10 at most'
ok 'each credential is used' t_same \
	"$(sed -n 's/^LoadCredential=\([a-z_]*\):.*/\1/p' "$dropin")" \
	"$(sed -n 's/^Environment=RSW_[A-Z_]*_FILE=%d\///p' "$dropin")"
# What systemd would do: files, and their names in the environment.
account bare database_password= aws_access_key= aws_secret_key= domo_client_secret=
job bare account=bare dataset_id=$id table_name_source=custom_name \
	custom_table_name=bare
mkdir credentials
echo "$SANDBOX_AWS_ACCESS_KEY" >credentials/aws_access_key
cp "$SANDBOX_SECRETS/db" credentials/database_password
cp "$SANDBOX_SECRETS/aws" credentials/aws_secret_key
cp "$SANDBOX_SECRETS/domo" credentials/domo_client_secret
chmod 400 credentials/*
run rs-writeback bare
status_is 2 'a job without its secrets'
run env $(sed -n "s,^Environment=\(.*\)%d,\1$T/credentials,p" "$dropin") \
	rs-writeback bare
status_is 0 'finds them as credentials'
run env CREDENTIALS_DIRECTORY="$T/credentials" \
	RSW_AWS_SECRET_KEY_FILE="$T/credentials/aws_secret_key" \
	RSW_AWS_ACCESS_KEY_FILE="$T/credentials/aws_access_key" \
	RSW_DOMO_CLIENT_SECRET_FILE="$T/credentials/domo_client_secret" \
	RSW_DATABASE_PASSWORD_COMMAND="$(sed -n \
		's/^# *database_password_command = //p' "$dropin")" rs-writeback bare
status_is 0 'or asks for them'
run systemd-analyze calendar hourly
status_is 0 'and the calendar'

# make: a directory of jobs, a file each
mkdir jobs
sed -n '/^\[account sandbox\]/,/^$/p' conf |
	sed "s,= \(keys/\|secrets/\),= $RSW_SANDBOX/\1," >jobs/accounts
printf 'account = sandbox\ndataset_id = %s\ntable_name_source = custom_name
custom_table_name = made\n' $id >jobs/good.job
sed 's/^dataset_id.*/dataset_id = 00000000-0000-0000-0000-000000000000/' \
	jobs/good.job >jobs/bad.job
cp "$contrib/examples/Makefile" jobs/
jobs() { run env -u RS_WRITEBACK_CONFIG make -C jobs --no-print-directory "$@"; }
jobs -n
out_like 'make -n: would run each job' "^RS_WRITEBACK_CONFIG='$T/jobs/good.conf' rs-writeback -q good$"
jobs good.dry
status_is 0 'make good.dry'
out_like 'is a dry run' '^-- job good: table public.made$'
same 'the configuration is for its user only' "$(stat -c %a jobs/good.conf)" 600
jobs -k -j2
status_is 2 'make -k -j2, where one of two fails'
err_like 'says which' "job 'bad' failed"
ok 'and runs the other' t_same "$(rows made)" 'k,v
1,one'
sed -i 's/^dataset_id.*/dataset_id = '$id'/' jobs/bad.job
jobs -k -j2
status_is 0 'once more, with the fault mended'
same 'runs the one that had failed, and only that' "$(sql 'SELECT count(*) FROM made')" 2
jobs
out_is 'nothing is due' "make: Nothing to be done for 'all'."
jobs again
jobs -n
same 'until all are due again' "$(grep -c 'rs-writeback -q' out)" 2

# cron, Kubernetes, Docker
ok 'crontab: five fields and a command' awk '
	/^#/ || /^$/ || /^PATH=/ { next } NF < 6 { exit 1 }
	{ for (i = 1; i <= 5; i++) if ($i !~ /^[-0-9*,\/]+$/) exit 1 }' \
	"$contrib/examples/crontab"
sed '/^#/d; /^PATH=/d; s/^\([^ ]* \)\{5\}//' "$contrib/examples/crontab" >commands
run sh -n commands
status_is 0 'which sh reads'
# The nightly line, with a program that says 75 in place of ours.
mkdir stubs
printf '#!/bin/sh\necho "$0 $*" >>%s/told\nexit 75\n' "$T" >stubs/rs-writeback
printf '#!/bin/sh\necho slept >>%s/told\n' "$T" >stubs/sleep
chmod +x stubs/*
sed -n '$p' commands >nightly
PATH=$T/stubs:$PATH run sh nightly
same 'what failed for now runs again half an hour later' "$(sed 's,.*/,,' told)" \
	'rs-writeback -q --all
slept
rs-writeback -q --all'
cat >k8s.py <<'E'
import sys, yaml
# The fields of batch/v1 that may stand there: a slip is an unknown one.
FIELDS = {
    'CronJob': 'apiVersion kind metadata spec',
    'metadata': 'name',
    'spec': 'schedule concurrencyPolicy jobTemplate',
    'jobTemplate': 'spec', 'jobTemplate.spec': 'backoffLimit template',
    'template': 'spec',
    'pod': 'restartPolicy securityContext containers initContainers volumes',
    'securityContext': 'runAsUser runAsNonRoot fsGroup',
    'container': 'name image args command env volumeMounts',
    'env': 'name value', 'mount': 'name mountPath readOnly',
    'volume': 'name secret emptyDir',
    'secret': 'secretName defaultMode', 'emptyDir': 'medium'}
def known(kind, value):
    assert set(value) <= set(FIELDS[kind].split()), (kind, set(value))
    return value
job = known('CronJob', yaml.safe_load(open(sys.argv[1])))
assert job['kind'] == 'CronJob' and job['apiVersion'] == 'batch/v1'
known('metadata', job['metadata'])
spec = known('spec', job['spec'])
assert spec['concurrencyPolicy'] == 'Forbid'
assert len(spec['schedule'].split()) == 5
spec = known('jobTemplate.spec', known('jobTemplate', spec['jobTemplate'])['spec'])
pod = known('pod', known('template', spec['template'])['spec'])
assert pod['restartPolicy'] == 'Never' and spec['backoffLimit'] == 0
known('securityContext', pod['securityContext'])
for v in pod['volumes']:
    known('volume', v), known('secret', v.get('secret', {}))
    known('emptyDir', v.get('emptyDir', {}))
volumes = {v['name'] for v in pod['volumes']}
for c in pod['containers'] + pod['initContainers']:
    known('container', c)
    for e in c.get('env', []):
        assert isinstance(known('env', e)['value'], str)
    for m in c['volumeMounts']:
        assert known('mount', m)['name'] in volumes
E
run /usr/bin/python3 k8s.py "$contrib/examples/cronjob.yaml"
status_is 0 'the CronJob has the fields that Kubernetes knows'
sed 's/restartPolicy/restartPolcy/' "$contrib/examples/cronjob.yaml" >slip.yaml
run /usr/bin/python3 k8s.py slip.yaml
status_is 1 'and a slip in one would be seen'
cat >docker.py <<'E'
import os, re, subprocess, sys
text = re.sub(r'(?m)^#.*\n', '', open(sys.argv[1]).read()).replace('\\\n', '')
stages = []
for line in filter(None, text.split('\n')):
    word, rest = line.split(None, 1)
    assert word in ('FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'ENTRYPOINT'), line
    if word == 'FROM':
        stages.append(rest.split()[-1])
    elif word == 'COPY' and rest.startswith('--from='):
        assert rest.split()[0][7:] in stages, line
    elif word == 'RUN':
        subprocess.run(['sh', '-n', '-c', rest], check=True)
        for file in re.findall(r'contrib/\S+', rest):
            assert os.access(sys.argv[2] + '/' + file, os.X_OK), file
print(len(stages))
E
run /usr/bin/python3 docker.py "$contrib/examples/Dockerfile" "$srcdir"
out_is 'the Dockerfile: two stages, what they run is there' 2
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

# Airflow: its own classes replaced by ones that note the tasks, which are
# then run, each after those that it comes after.
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
cat >stub/airflow/exceptions.py <<'E'
class AirflowException(Exception):
    pass
class AirflowFailException(AirflowException):
    pass
E
: >stub/airflow/operators/__init__.py
cat >stub/airflow/operators/python.py <<'E'
class PythonOperator:
    def __init__(self, task_id, python_callable, op_kwargs):
        self.name, self.after = task_id, []
        self.run = lambda: python_callable(**op_kwargs)
        op_kwargs['work'] = op_kwargs['work'].replace('{{ ts_nodash }}', 'now')
    def __rshift__(self, other):
        other.after.append(self.name)
E
cat >tasks.py <<'E'
import sys, airflow_dag as dag
from airflow.exceptions import *
done = []
while len(done) < len(dag.task):
    for name, task in dag.task.items():
        if name not in done and all(a in done for a in task.after):
            task.run()
            done.append(name)
            print(name)
for status, final in (75, False), (1, True), (2, True):
    open('ends', 'w').write('exit %d' % status)
    try:
        dag.run('sh ' + sys.argv[1] + '/ends', sys.argv[1], None, None)
    except AirflowException as e:
        assert isinstance(e, AirflowFailException) == final, status
    else:
        assert False, status
E
sed "s,/var/tmp/rs-writeback,$T/work," "$contrib/examples/airflow_dag.py" \
	>airflow_dag.py
run env PYTHONPATH="$T/stub:$T" PYTHONDONTWRITEBYTECODE=1 \
	/usr/bin/python3 tasks.py "$T"
status_is 0 'the tasks run, and only status 75 is tried again'
out_is 'in an order that they allow' 'info
schema
export
name
stage
load
unstage
tidy'
same 'one program a task' "$(sed -n "/^TASKS/,/^]/s/.*'\([a-z0-9-]*\) .*/\1/p" \
	airflow_dag.py | grep -cE '^(domo-cat|rs-tablename|s3-stage|ssh-fwd|s3-unstage|rm)$')" 8
ok 'and load the rows' t_same "$(rows sales)" 'k,v
1,one'
same 'and clean up' "$(staged) $(ls work)" '0 '

# The report
rs-writeback -q sales 2>/dev/null
rs-writeback -q '<b>&"x"' 2>/dev/null
run "$contrib/report"
status_is 0 'the report'
mv out report.html
ok 'has each job, its name escaped' t_same "$(grep -o '<h2 [^>]*>.*</h2>' report.html)" \
	'<h2 id="job1">bare</h2>
<h2 id="job2">bad</h2>
<h2 id="job3">good</h2>
<h2 id="job4">sales</h2>
<h2 id="job5">&lt;b&gt;&amp;&quot;x&quot;</h2>'
ok 'and the failure' grep -q '^<tr class="bad">.*<p>domo-cat: .*404' report.html
run "$contrib/report" sales
ok 'of one job: that one only' test "$(grep -c '<h2 ' out)" -eq 1

# --- bench -------------------------------------------------------------------

BUILD=$builddir run "$contrib/bench" --only domo-cat --size 2M
# 1: slower or larger than it may be; how fast is no matter of a test.
ok 'bench: domo-cat beside curl' test "$status" -le 1
out_like 'bench: both were measured' '^2M +curl +wall +[0-9.]+ s, CPU'
out_like 'bench: with their memory' '^2M +domo-cat +wall .* peak +[0-9.]+ MiB$'
done_testing
