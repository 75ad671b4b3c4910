/*
 * rs-check: try every link of an account, one line each. The far side of the
 * bastion is tried by this program again, run by ssh-fwd.
 */
#include "config.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cfg.h"
#include "check.h"
#include "child.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"
#include "pg.h"

static const char usage[] =
"usage: rs-check [-a ACCOUNT | -j JOB] [-f]\n"
"Try every link from Domo to the table; a line each, and what to do if it\n"
"does not hold. Nothing stays behind.\n"
"  -a, --account NAME  of [account NAME]\n"
"  -j, --job NAME      of [job NAME]: with its schema and other keys\n"
"  -f, --far           only from the database on (for ssh-fwd)\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

/* Ourselves, behind the bastion. The status tells how it ended. */
static int
through_tunnel(const struct opt *o)
{
	static char fwd[] = "ssh-fwd", quiet[] = "-q", job[] = "-j",
	    account[] = "-a", end[] = "--", check[] = "rs-check", far[] = "-f";
	char *which = o->job != NULL ? job : account;
	char *name = mem_dup(o->job != NULL ? o->job : o->account);
	char *named[] = {fwd, quiet, which, name, end, check, far, which, name,
	    NULL};
	char *plain[] = {fwd, quiet, end, check, far, NULL};
	struct pollfd w = {.events = POLLIN};
	struct signalfd_siginfo s;
	pid_t pid;
	int status = 1;

	fflush(stdout);
	w.fd = child_signals();
	if (w.fd < 0 || child_start(name != NULL ? named : plain, &pid) != 0) {
		free(name);
		return 1;
	}
	while (!child_ended(pid, &status)) {
		poll(&w, 1, 1000);
		while (read(w.fd, &s, sizeof(s)) == sizeof(s))
			child_signal(pid, &s);
	}
	free(name);
	return status;
}

/* From the database on. */
static void
try_far(struct cfg *c, const char *broken)
{
	struct pg *db;

	broken = check_database(c, broken, &db);
	check_bucket(c, db, broken);
	pg_close(db);
}

/* 1 if a link on the far side has failed, of which this process does not
 * know. */
static int
try_all(struct cfg *c, const struct opt *o)
{
	const char *broken;
	int rc;

	check_config(c, o->job != NULL);
	check_domo(c);
	broken = check_bastion(c);
	if (broken == NULL && check_has_bastion(c) &&
	    check_complete(c, CHECK_DATABASE)) {
		rc = through_tunnel(o);
		if (rc == 0 || rc == 1)
			return rc;
		check_listen();
		msg_error("ssh-fwd ended with status %d", rc);
		broken = check_bad("tunnel", "ssh-fwd -v -v -- true tells "
		    "more");
	}
	try_far(c, broken);
	return 0;
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"far", no_argument, NULL, 'f'},
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = OPT_COMMON "f",
	    .longs = longs};
	bool far = false;
	struct cfg *c;
	int ch, rc;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0)
		far = true;
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (optind < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind]);
	check_start();
	if (cfg_open(o.account, o.job, &c) != 0) {
		check_bad("configuration", "rs-writeback --init writes one; "
		    "see rs-writeback.conf(5)");
		return io_finish(2);
	}
	/* Nobody wants to wait for a pause that grows. */
	cfg_set(c, "domo_tries", "2");
	cfg_set(c, "s3_attempts", "2");
	rc = 0;
	if (far)
		try_far(c, NULL);
	else
		rc = try_all(c, &o);
	cfg_free(c);
	return io_finish(rc != 0 || check_failed() > 0 ? 1 : 0);
}
