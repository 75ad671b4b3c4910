"""rs-writeback in Airflow: one program a task, files between them.

Status 75 means "failed for now": Airflow's retries do the rest. Every other
failure is final (skip_on_exit_code is left alone, so it fails the task).
"""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

JOB = 'sales'
WORK = '/var/tmp/rs-writeback/{{ ds_nodash }}-' + JOB

STEPS = [
    ('ask', 'mkdir -p {w} && domo-cat -j {j} -i >{w}/info && '
            'domo-cat -j {j} -S >{w}/schema'),
    ('stage', 'domo-cat -j {j} | s3-stage -j {j} -t {w}/schema -i {w}/info '
              '>{w}/manifest.new && mv {w}/manifest.new {w}/manifest'),
    ('load', 'ssh-fwd -j {j} -- rs-load -j {j} '
             '"$(rs-tablename -j {j} <{w}/info)" <{w}/manifest'),
    ('clean', 's3-unstage -j {j} <{w}/manifest && rm -r {w}'),
]

with DAG('rs_writeback_' + JOB, schedule='@hourly', catchup=False,
         start_date=datetime(2024, 1, 1), max_active_runs=1,
         default_args={'retries': 2,
                       'retry_delay': timedelta(minutes=1)}) as dag:
    before = None
    for name, command in STEPS:
        task = BashOperator(task_id=name,
                            bash_command=command.format(j=JOB, w=WORK))
        if before is not None:
            before >> task
        before = task
