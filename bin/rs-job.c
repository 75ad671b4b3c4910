/*
 * rs-job: run a command for jobs of the configuration: each job once at a
 * time, in a directory of its own, tried again, noted in the history, and
 * what came of it told to the commands on_success and on_failure. What the
 * command does is its own business; rs-writeback is the one that users know.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cfg.h"
#include "child.h"
#include "history.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "opt.h"
#include "rundir.h"
#include "state.h"

static const char usage[] =
"usage: rs-job [-Anqv] [--jobs N] [--resume RUN] [JOB...] -- COMMAND...\n"
"Run COMMAND JOB for each JOB, locked, tried again, noted in the history.\n"
"  -A, --all           all jobs of the configuration\n"
"      --jobs N        so many jobs at a time (1)\n"
"      --resume RUN    once more in the directory of a run that failed\n"
"  -n, --dry-run       no lock, no history, one attempt\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

enum {FAILED = 1, MISUSE = 2, AGAIN = 75};
enum {OPT_JOBS = OPT_FIRST_OWN, OPT_RESUME};

struct runner {
	bool all, dry_run;
	const char *resume;
	int64_t jobs;
	char **job;
	size_t njobs;
	char **command;		/* with room for a job's name */
	size_t ncommand;
	int signals;		/* a signalfd */
};

/* One job, while it runs. */
struct work {
	const struct runner *r;
	struct cfg *cfg;
	const char *job;
	char *dir;		/* of the state; NULL in a dry run */
	char *run, *path;
	struct timespec start;
	int64_t retries, delay, keep;
	int attempts;
	int lock;
	int caught;		/* the signal that ends it, or 0 */
};

/* Wait for a command; signals are passed on to it. Its status. */
static int
wait_for(struct work *w, pid_t pid)
{
	struct signalfd_siginfo s;
	struct pollfd p = {.fd = w->r->signals, .events = POLLIN};
	int status;

	while (!child_ended(pid, &status)) {
		if (poll(&p, 1, 1000) <= 0)
			continue;
		while (read(w->r->signals, &s, sizeof(s)) == sizeof(s)) {
			child_signal(pid, &s);
			if (s.ssi_signo != SIGCHLD)
				w->caught = (int)s.ssi_signo;
		}
	}
	return status;
}

/* Pause before the next attempt; false: a signal has ended it. */
static bool
pause_for(struct work *w, int64_t seconds)
{
	long long end = io_now_ms() + seconds * 1000, now;
	struct pollfd p = {.fd = w->r->signals, .events = POLLIN};
	struct signalfd_siginfo s;

	while (w->caught == 0 && (now = io_now_ms()) < end) {
		if (poll(&p, 1, (int)(end - now < 60000 ? end - now :
		    60000)) <= 0)
			continue;
		if (read(w->r->signals, &s, sizeof(s)) == sizeof(s) &&
		    s.ssi_signo != SIGCHLD)
			w->caught = (int)s.ssi_signo;
	}
	return w->caught == 0;
}

/* The marks and errors of an attempt before are not those of this one. */
static void
forget_attempt(const struct work *w)
{
	static const char *const file[] = {"at.connect", "at.export",
		"at.load", "at.clean", "errors", "result", "table"};
	char *path;
	size_t i;

	for (i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		path = mem_fmt("%s/%s", w->path, file[i]);
		unlink(path);
		free(path);
	}
}

static int
attempt(struct work *w, int64_t left)
{
	char *count = mem_fmt("%lld", (long long)left);
	pid_t pid;
	int status;

	forget_attempt(w);
	setenv("RSW_ATTEMPTS_LEFT", count, 1);
	free(count);
	w->attempts++;
	status = child_start(w->r->command, &pid);
	return status == 0 ? wait_for(w, pid) : status;
}

/* No attempt follows: what the last one has left for it is to go. */
static void
forgo(struct work *w)
{
	pid_t pid;

	setenv("RSW_STOPPED", "1", 1);
	if (child_start(w->r->command, &pid) == 0)
		wait_for(w, pid);
	/* on_failure may run a job of its own. */
	unsetenv("RSW_STOPPED");
}

static int
attempts(struct work *w)
{
	int64_t left = w->r->dry_run ? 0 : w->retries;
	int status;

	while ((status = attempt(w, left)) == AGAIN && left-- > 0 &&
	    w->caught == 0) {
		if (msg_level() >= 0)
			msg_say("job '%s': trying again in %lld s", w->job,
			    (long long)w->delay);
		if (!pause_for(w, w->delay)) {
			forgo(w);
			break;
		}
	}
	return w->caught != 0 && status != 0 ? 128 + w->caught : status;
}

/* Put a pipe in place of our standard input, for the command that is started
 * next. Its other end, or -1. */
static int
feed_stdin(void)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return msg_errno("cannot make a pipe");
	dup2(p[0], STDIN_FILENO);
	close(p[0]);
	return p[1];
}

static void
empty_stdin(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		close(STDIN_FILENO);
		return;
	}
	dup2(fd, STDIN_FILENO);
	close(fd);
}

/* Tell a command of the user's what came of it: CSV on its stdin. */
static void
tell(struct work *w, const char *key, const struct history_line *l)
{
	const char *command;
	char sh[] = "sh", c[] = "-c", *argv[] = {sh, c, NULL, NULL};
	struct buf b;
	pid_t pid;
	int in, rc;

	if (cfg_get(w->cfg, key, &command) != 0 || command == NULL)
		return;
	unsetenv("RSW_RUN_DIR");
	/* What it leaves in the background is not the job. */
	state_pass_on(w->lock, false);
	argv[2] = mem_dup(command);
	buf_init(&b, TABLE_MAX);
	history_text(l, &b);
	in = feed_stdin();
	rc = in < 0 ? FAILED : child_start(argv, &pid);
	if (in >= 0) {
		empty_stdin();
		/* SIGPIPE is ignored: a command that does not read is no
		 * failure. */
		if (rc == 0)
			io_write_full(in, b.data, b.len);
		close(in);
	}
	if (rc == 0 && (rc = wait_for(w, pid)) != 0)
		msg_warn("the command of '%s' ended with status %d", key, rc);
	buf_release(&b);
	free(argv[2]);
}

/* A good run in words. */
static void
report(const struct work *w, const struct history_line *l)
{
	const char *result = l->cell[HISTORY_RESULT];

	if (result != NULL && strcmp(result, "unchanged") == 0)
		msg_say("job '%s': unchanged since the last run, skipped",
		    w->job);
	else if (result != NULL)
		msg_say("job '%s': %s %s rows, %s, %s (%s s)", w->job, result,
		    l->cell[HISTORY_ROWS], l->cell[HISTORY_MODE],
		    l->cell[HISTORY_TABLE], l->cell[HISTORY_SECONDS]);
}

/* A line in the history, and the commands. 0, or 1 if the history could not
 * be written. */
static int
finish(struct work *w, int status)
{
	struct history_line l;
	struct timespec end;
	int rc;

	memset(&l, 0, sizeof(l));
	clock_gettime(CLOCK_REALTIME, &end);
	l.cell[HISTORY_RUN] = mem_dup(w->run);
	l.cell[HISTORY_JOB] = mem_dup(w->job);
	l.cell[HISTORY_ATTEMPTS] = mem_fmt("%d", w->attempts);
	l.cell[HISTORY_STATUS] = mem_fmt("%d", status);
	history_gather(w->path, w->start, end, &l);
	if (status != 0) {
		free(l.cell[HISTORY_RESULT]);
		l.cell[HISTORY_RESULT] = mem_dup(status > 128 ? "stopped" :
		    "failed");
	}
	else if (msg_level() >= 0)
		report(w, &l);
	rc = history_append(w->dir, &l);
	tell(w, status == 0 ? "on_success" : "on_failure", &l);
	rundir_prune(w->dir, w->job, w->keep);
	history_line_release(&l);
	return rc == 0 ? 0 : FAILED;
}

/* A directory that goes when the dry run ends. */
static int
temporary(struct work *w)
{
	const char *tmp = getenv("TMPDIR");

	w->path = mem_fmt("%s/rs-writeback.XXXXXX", tmp != NULL &&
	    *tmp != '\0' ? tmp : "/tmp");
	w->run = mem_dup("dry-run");
	if (mkdtemp(w->path) != NULL)
		return 0;
	msg_errno("cannot make the directory '%s'", w->path);
	return -1;
}

/* The run's directory: a new one, or that of the run to resume. A status. */
static int
begin(struct work *w)
{
	char *job = NULL;

	if (w->r->resume == NULL) {
		w->path = rundir_begin(w->dir, w->job, &w->run);
		return w->path != NULL ? 0 : FAILED;
	}
	w->run = mem_dup(w->r->resume);
	w->path = rundir_find(w->dir, w->run, &job);
	free(job);
	if (w->path == NULL)
		return MISUSE;
	if (rundir_staged(w->path))
		return rundir_untold(w->path) == 0 ? 0 : FAILED;
	msg_error("cannot resume '%s': it has left nothing on S3; run the job "
	    "anew", w->run);
	free(w->path);
	w->path = NULL;
	return MISUSE;
}

/* The last line of a run that failed. It names the job, because several may
 * run, and the program whose error the others followed from; the error itself
 * once more if it does not stand just above. */
static void
say_failed(const struct work *w, int status)
{
	size_t n = 0;
	char *cause = w->path != NULL ? rundir_cause(w->path, &n) : NULL;
	const char *text = cause != NULL ? strstr(cause, ": ") : NULL;
	int len = text != NULL ? (int)(text - cause) : 0;
	bool ours = len == 0 || strncmp(cause, msg_name(), (size_t)len) == 0;

	if (w->dir != NULL && w->path != NULL)
		msg_info("job '%s': what its programs said is in '%s'",
		    w->job, w->path);
	msg_error("job '%s' failed%s%s%.*s (status %d)%s", w->job,
	    status == AGAIN ? " for now" : "", ours ? "" : " in ",
	    ours ? 0 : len, ours ? "" : cause, status,
	    text != NULL && (n > 1 || w->r->jobs > 1) ? text : "");
	free(cause);
}

static int
run_locked(struct work *w)
{
	int status;

	setenv("RSW_RUN", w->run, 1);
	setenv("RSW_RUN_DIR", w->path, 1);
	clock_gettime(CLOCK_REALTIME, &w->start);
	free(w->r->command[w->r->ncommand]);
	w->r->command[w->r->ncommand] = mem_dup(w->job);
	status = attempts(w);
	if (status != 0)
		say_failed(w, status);
	if (w->dir == NULL) {
		unsetenv("RSW_RUN_DIR");
		rundir_discard(w->path);
	} else if (finish(w, status) != 0 && status == 0) {
		status = FAILED;
	}
	return status;
}

/* From the job's name to its status. */
static int
run_job(struct work *w)
{
	int status;

	if (cfg_open(NULL, w->job, &w->cfg) != 0)
		return MISUSE;
	if (cfg_int(w->cfg, "retries", 0, 1000, &w->retries) != 0 ||
	    cfg_int(w->cfg, "retry_delay", 0, 86400, &w->delay) != 0 ||
	    cfg_int(w->cfg, "keep_runs", 1, 1000000, &w->keep) != 0)
		return MISUSE;
	if (w->r->dry_run)
		return temporary(w) == 0 ? run_locked(w) : FAILED;
	if ((w->dir = state_dir(w->cfg)) == NULL)
		return MISUSE;
	w->lock = state_lock(w->dir, w->job);
	if (w->lock < 0)
		return w->lock == -2 ? AGAIN : FAILED;
	/* Held for as long as anything of the run lives. */
	state_pass_on(w->lock, true);
	history_note_killed(w->dir, w->job);
	status = begin(w);
	return status == 0 ? run_locked(w) : status;
}

/* In a process of its own: a job's environment is not the next one's. */
static int
worker(const struct runner *r, const char *job)
{
	struct work w = {.r = r, .job = job, .retries = 2, .delay = 60,
		.keep = 50};
	int status = run_job(&w);

	if (w.path == NULL)
		say_failed(&w, status);
	cfg_free(w.cfg);
	free(w.dir);
	free(w.run);
	free(w.path);
	free(r->command[r->ncommand]);
	return io_finish(status);
}

/* Of several jobs the last permanent failure counts; 75 only if all that
 * failed may work later. */
static int
worse(int so_far, int status)
{
	return status == 0 || (status == AGAIN && so_far != 0 &&
	    so_far != AGAIN) ? so_far : status;
}

struct pool {
	pid_t *pid;
	size_t n;
	bool stopping;
	int result;
};

static void
reap(struct pool *p)
{
	size_t i;
	int status;

	for (i = 0; i < p->n;) {
		if (!child_ended(p->pid[i], &status)) {
			i++;
			continue;
		}
		p->result = worse(p->result, status);
		p->pid[i] = p->pid[--p->n];
	}
}

static void
obey(struct pool *p, int signals)
{
	struct signalfd_siginfo s;
	size_t i;

	while (read(signals, &s, sizeof(s)) == sizeof(s)) {
		for (i = 0; i < p->n; i++)
			child_signal(p->pid[i], &s);
		if (s.ssi_signo != SIGCHLD)
			p->stopping = true;
	}
}

static void
start(struct pool *p, const struct runner *r, const char *job)
{
	pid_t pid, parent = getpid();

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* Without us nobody would pass signals on to it. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(FAILED);
		_exit(worker(r, job));
	}
	if (pid > 0) {
		p->pid[p->n++] = pid;
		return;
	}
	msg_errno("cannot start job '%s'", job);
	p->result = worse(p->result, FAILED);
}

static int
run_all(const struct runner *r)
{
	struct pollfd w = {.fd = r->signals, .events = POLLIN};
	struct pool p = {.n = 0};
	size_t next = 0;

	p.pid = mem_zero((size_t)r->jobs, sizeof(*p.pid));
	while ((next < r->njobs && !p.stopping) || p.n > 0) {
		while (next < r->njobs && !p.stopping &&
		    p.n < (size_t)r->jobs)
			start(&p, r, r->job[next++]);
		poll(&w, 1, 1000);
		obey(&p, r->signals);
		reap(&p);
	}
	free(p.pid);
	return p.result;
}

/* A job that is named twice runs once. */
static void
add_job(struct runner *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->njobs; i++)
		if (strcmp(r->job[i], name) == 0)
			return;
	r->job = mem_resize(r->job, r->njobs + 1, sizeof(*r->job));
	r->job[r->njobs++] = mem_dup(name);
}

/* Which jobs: the arguments, all of them, or that of the run to resume. */
static int
choose_jobs(struct runner *r, char *argv[], size_t n)
{
	struct cfg *c;
	const char *name;
	char *dir, *job = NULL, *path;
	size_t i;

	for (i = 0; i < n; i++)
		add_job(r, argv[i]);
	if (!r->all && r->resume == NULL)
		return 0;
	if (cfg_open(NULL, NULL, &c) != 0)
		return -1;
	for (i = 0; r->all && (name = cfg_section(c, "job", i)) != NULL; i++)
		add_job(r, name);
	if (r->all && i == 0)
		msg_error("cannot run all jobs: there is no [job NAME] in '%s'",
		    cfg_path(c) != NULL ? cfg_path(c) : "any file");
	if (r->resume != NULL && (dir = state_dir(c)) != NULL) {
		path = rundir_find(dir, r->resume, &job);
		free(path);
		free(dir);
	}
	cfg_free(c);
	if (job != NULL)
		add_job(r, job);
	free(job);
	return r->njobs > 0 ? 0 : -1;
}

/* -1 to go on, or an exit status. */
static int
parse(int argc, char *argv[], struct runner *r)
{
	static const struct option longs[] = {
		{"all", no_argument, NULL, 'A'},
		{"dry-run", no_argument, NULL, 'n'},
		{"jobs", required_argument, NULL, OPT_JOBS},
		{"resume", required_argument, NULL, OPT_RESUME},
		OPT_COMMON_LONG,
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = "+:Anhqv", .longs = longs};
	int ch;

	while ((ch = opt_next(&o, argc, argv)) >= 0)
		if (ch == 'A')
			r->all = true;
		else if (ch == 'n')
			r->dry_run = true;
		else if (ch == OPT_RESUME)
			r->resume = optarg;
		else if (num_parse(optarg, 1, 1000, &r->jobs) != 0)
			return opt_usage(usage, "--jobs takes a number from "
			    "1 to 1000, not '%s'", optarg);
	if (ch == OPT_EXIT)
		return o.status;
	if (o.account != NULL || o.job != NULL)
		return opt_usage(usage, "there is no such option here");
	return -1;
}

/* JOB... -- COMMAND... 0 or 2. */
static int
split(int argc, char *argv[], struct runner *r)
{
	/* getopt has eaten the "--" if no job stands before it. */
	int at = optind, first = optind;

	if (at == 1 || strcmp(argv[at - 1], "--") != 0)
		while (at < argc && strcmp(argv[at], "--") != 0)
			at++;
	r->ncommand = (size_t)(argc - at);
	if (at < argc && strcmp(argv[at], "--") == 0)
		r->ncommand--;
	if (r->ncommand == 0)
		return opt_usage(usage, "no command stands after '--'");
	r->command = mem_zero(r->ncommand + 2, sizeof(*r->command));
	memcpy(r->command, argv + argc - r->ncommand,
	    r->ncommand * sizeof(*r->command));
	if (r->resume != NULL && (at > first || r->all || r->dry_run))
		return opt_usage(usage, "--resume takes neither jobs nor -A "
		    "nor -n");
	if (at == first && !r->all && r->resume == NULL)
		return opt_usage(usage, "no job given");
	/* From here on it speaks for the driver. */
	msg_init("rs-writeback");
	return choose_jobs(r, argv + first, (size_t)(at - first)) == 0 ? 0 :
	    MISUSE;
}

int
main(int argc, char *argv[])
{
	struct runner r = {.jobs = 1};
	size_t i;
	int rc;

	io_start();
	msg_init(argv[0]);
	rc = parse(argc, argv, &r);
	if (rc >= 0)
		return io_finish(rc);
	rc = split(argc, argv, &r);
	if (rc == 0) {
		r.signals = child_signals();
		rc = r.signals < 0 ? FAILED : run_all(&r);
	}
	for (i = 0; i < r.njobs; i++)
		free(r.job[i]);
	free(r.job);
	free(r.command);
	return io_finish(rc);
}
