"""rs-writeback in Airflow: one program a task, files between them.

Status 75 means "failed for now", which Airflow's retries are for; every
other failure is final. The files lie in a directory of the run, which all
workers must see; it goes when the rows are loaded.
"""
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow import DAG
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.operators.python import PythonOperator

JOB = 'sales'
WORK = '/var/tmp/rs-writeback/' + JOB + '-{{ ts_nodash }}'

# The task, what it comes after, its standard input and output, the program.
# An argument that begins with < stands for what is in that file.
TASKS = [
    ('info', [], None, 'info', 'domo-cat -j {job} -i'),
    ('schema', [], None, 'schema', 'domo-cat -j {job} -S'),
    ('export', ['info', 'schema'], None, 'rows', 'domo-cat -j {job}'),
    ('name', ['info'], 'info', 'table', 'rs-tablename -j {job}'),
    ('stage', ['export'], 'rows', 'manifest',
     's3-stage -j {job} -t schema -i info'),
    ('load', ['stage', 'name'], 'manifest', 'result',
     'ssh-fwd -j {job} -- rs-load -j {job} <table'),
    ('unstage', ['load'], 'manifest', None, 's3-unstage -j {job}'),
    ('tidy', ['unstage'], None, None, 'rm -r {work}'),
]


def run(command, work, stdin, stdout):
    """One program. What it prints is a file only when it is whole."""
    work = Path(work)
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    argv = [(work / word[1:]).read_text().strip() if word[0] == '<'
            else word.format(job=JOB, work=work) for word in command.split()]
    new = work / ('new.' + stdout) if stdout else Path('/dev/null')
    with open(work / stdin if stdin else '/dev/null', 'rb') as source, \
            open(new, 'wb') as target:
        status = subprocess.run(argv, cwd=work, stdin=source,
                                stdout=target, check=False).returncode
    if status == 75:
        raise AirflowException(argv[0] + ' failed for now')
    if status != 0:
        raise AirflowFailException('%s: status %d' % (argv[0], status))
    if stdout:
        new.rename(work / stdout)


with DAG('rs_writeback_' + JOB, schedule='@hourly', catchup=False,
         start_date=datetime(2024, 1, 1), max_active_runs=1,
         default_args={'retries': 2,
                       'retry_delay': timedelta(minutes=1)}) as dag:
    task = {}
    for name, after, source, target, program in TASKS:
        task[name] = PythonOperator(
            task_id=name, python_callable=run,
            op_kwargs={'command': program, 'work': WORK, 'stdin': source,
                       'stdout': target})
        for before in after:
            task[before] >> task[name]
