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
through_tunnel(const struct opt_common *o)
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

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"far", no_argument, NULL, 'f'},
		{NULL, 0, NULL, 0}
	};
	struct opt_common common = {NULL, NULL};
	bool far = false, way = true;
	const char *bastion = NULL;
	struct cfg *c;
	int ch, rc, bad = 0;

	io_start();
	msg_init(argv[0]);
	while ((ch = getopt_long(argc, argv, OPT_COMMON "f", longs,
	    NULL)) != -1) {
		if (ch == 'f')
			far = true;
		else if ((rc = (int)opt_common(ch, argv, &common, usage)) !=
		    OPT_GO)
			return rc == OPT_DONE ? io_finish(0) : 2;
	}
	if (optind < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind]);
	check_start();
	if (cfg_open(common.account, common.job, &c) != 0) {
		check_bad("configuration", "rs-writeback --init writes one; "
		    "see rs-writeback.conf(5)");
		return io_finish(2);
	}
	if (!far)
		bad = check_near(c, &way);
	if (cfg_get(c, "ssh_hostname", &bastion) != 0 || far || !way ||
	    bastion == NULL)
		bad += check_far(c, way);
	else if ((rc = through_tunnel(&common)) > 1) {
		check_listen();
		msg_error("ssh-fwd ended with status %d", rc);
		bad += check_bad("tunnel", "run ssh-fwd -v, and look");
	} else {
		bad += rc;
	}
	cfg_free(c);
	return io_finish(bad == 0 ? 0 : 1);
}
