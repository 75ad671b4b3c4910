/*
 * ssh-fwd: a tunnel to a database through an SSH bastion, for one command,
 * or until it is stopped.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "child.h"
#include "io.h"
#include "local.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"
#include "pgservice.h"
#include "pump.h"
#include "sshask.h"
#include "sshcmd.h"
#include "sshconf.h"

static const char usage[] =
"usage: ssh-fwd [-a ACCOUNT | -j JOB] [-L [PORT:]HOST:PORT] "
"[[USER@]BASTION[:PORT]] [-- COMMAND...]\n"
"Open a tunnel to a database, and run COMMAND with PGHOSTADDR and PGPORT set\n"
"to its near end; without COMMAND print the port and serve until a signal.\n"
"  -a, --account NAME       use [account NAME]\n"
"  -j, --job NAME           use [job NAME] and the account it names\n"
"  -L, --forward [PORT:]HOST:PORT  the target as the bastion sees it (default:\n"
"                           database_hostname and database_port), and the\n"
"                           port to listen on (default: any that is free)\n"
"  -W, --stdio HOST:PORT    join stdin and stdout to the target\n"
"  -J, --jump [USER@]HOST[:PORT][,...]  through these hosts, in this order\n"
"  -i, --identity FILE      log in with this private key\n"
"  -b, --background         go on in the background once the tunnel stands\n"
"      --pid-file FILE      write the process id there\n"
"      --accept-new         trust a bastion that is not known yet, and note it\n"
"      --known-hosts FILE   in place of ~/.ssh/known_hosts\n"
"      --fingerprint SHA256:...  the bastion's host key must be this one\n"
"      --alive SECONDS      a bastion silent for so long is dead (30; 0: never)\n"
"      --timeout SECONDS    for connecting and logging in, at each host (30)\n"
"      --transport NAME     libssh2 (the default), or openssh: the system's ssh\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n"
"Exit status: COMMAND's; 125 if the tunnel failed, 75 if it may work later, 126\n"
"if COMMAND cannot be run, 127 if it is not found, 2 for a wrong configuration.\n";

enum {EXIT_USAGE = 2, EXIT_AGAIN = 75, EXIT_TUNNEL = 125};
enum {O_PID_FILE = OPT_FIRST_OWN, O_ACCEPT_NEW, O_KNOWN_HOSTS, O_FINGERPRINT,
	O_ALIVE, O_TIMEOUT, O_TRANSPORT, O_LAST};

struct options {
	struct opt opt;
	const char *forward, *stdio, *bastion, *pid_file;
	const char *key[O_LAST];	/* the values of configuration keys */
	const char *jump, *identity;
	bool accept_new, background;
	char **command;			/* NULL: none */
};

struct run {
	struct cfg *cfg;
	struct sshconf ssh;
	struct hostport target;
	struct pump_conf pump_conf;
	struct sshcmd *openssh;
	struct pump *pump;
	int port, listener, signals, report;
};

static int
exit_status(enum fate f)
{
	switch (f) {
	case FATE_OK:
		return 0;
	case FATE_AGAIN:
		return EXIT_AGAIN;
	case FATE_CONFIG:
		return EXIT_USAGE;
	case FATE_FAILED:
	case FATE_STOPPED:
		break;
	}
	return EXIT_TUNNEL;
}

static void
take_option(int ch, struct options *o)
{
	switch (ch) {
	case 'L':
		o->forward = optarg;
		break;
	case 'W':
		o->stdio = optarg;
		break;
	case 'J':
		o->jump = optarg;
		break;
	case 'i':
		o->identity = optarg;
		break;
	case 'b':
		o->background = true;
		break;
	case O_PID_FILE:
		o->pid_file = optarg;
		break;
	case O_ACCEPT_NEW:
		o->accept_new = true;
		break;
	default:
		o->key[ch] = optarg;
		break;
	}
}

/* Options may stand on both sides of the bastion; a command follows "--".
 * -1 to go on, or an exit status. */
static int
parse(int argc, char *argv[], struct options *o)
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"forward", required_argument, NULL, 'L'},
		{"stdio", required_argument, NULL, 'W'},
		{"jump", required_argument, NULL, 'J'},
		{"identity", required_argument, NULL, 'i'},
		{"background", no_argument, NULL, 'b'},
		{"pid-file", required_argument, NULL, O_PID_FILE},
		{"accept-new", no_argument, NULL, O_ACCEPT_NEW},
		{"known-hosts", required_argument, NULL, O_KNOWN_HOSTS},
		{"fingerprint", required_argument, NULL, O_FINGERPRINT},
		{"alive", required_argument, NULL, O_ALIVE},
		{"timeout", required_argument, NULL, O_TIMEOUT},
		{"transport", required_argument, NULL, O_TRANSPORT},
		{NULL, 0, NULL, 0}
	};
	int ch, before;

	o->opt = (struct opt){.usage = usage,
	    .letters = "+" OPT_COMMON "L:W:J:i:b", .longs = longs};
	for (;;) {
		before = optind;
		while ((ch = opt_next(&o->opt, argc, argv)) >= 0) {
			take_option(ch, o);
			before = optind;
		}
		if (ch == OPT_EXIT)
			return o->opt.status;
		if (optind > before && strcmp(argv[optind - 1], "--") == 0) {
			o->command = argv + optind;
			return -1;
		}
		if (optind == argc)
			return -1;
		if (o->bastion != NULL)
			return opt_usage(usage, "'%s' is one too many; a "
			    "command stands after '--'", argv[optind]);
		o->bastion = argv[optind++];
	}
}

/* What cannot go together. 0, or 2 having said why. */
static int
check(const struct options *o)
{
	if (o->command != NULL && *o->command == NULL)
		return opt_usage(usage, "no command stands after '--'");
	if (o->stdio != NULL && (o->forward != NULL || o->command != NULL ||
	    o->background))
		return opt_usage(usage, "-W goes with neither -L nor -b nor a "
		    "command");
	if (o->command != NULL && o->background)
		return opt_usage(usage, "-b goes with no command");
	if (o->identity != NULL && sshkey_is_text(o->identity))
		return opt_usage(usage, "-i takes a file; a key itself would be "
		    "seen by all users of this machine");
	return 0;
}

static int
load(const struct options *o, struct run *r)
{
	static const struct {
		int option;
		const char *key;
	} map[] = {
		{O_KNOWN_HOSTS, "ssh_known_hosts"},
		{O_FINGERPRINT, "ssh_host_key_fingerprint"},
		{O_ALIVE, "ssh_alive"}, {O_TIMEOUT, "ssh_timeout"},
		{O_TRANSPORT, "ssh_transport"},
	};
	size_t i;

	if (cfg_open(o->opt.account, o->opt.job, &r->cfg) != 0)
		return -1;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (o->key[map[i].option] != NULL)
			cfg_set(r->cfg, map[i].key, o->key[map[i].option]);
	if (o->jump != NULL)
		cfg_set(r->cfg, "ssh_jump", o->jump);
	if (o->identity != NULL)
		cfg_set(r->cfg, "ssh_private_key", o->identity);
	if (o->forward != NULL || o->stdio != NULL) {
		if (hostport_forward(o->forward != NULL ? o->forward : o->stdio,
		    &r->port, &r->target) != 0)
			return -1;
	} else if (pgservice_target(r->cfg, &r->target.host,
	    &r->target.port) != 0) {
		return -1;
	}
	return sshconf_load(r->cfg, o->bastion, o->accept_new, &r->ssh);
}

static enum fate
open_tunnel(struct run *r, bool test)
{
	const char *host = r->target.host;
	int port = r->target.port, timeout = r->ssh.tun.timeout_s;
	struct tun *t = NULL;
	enum fate f;

	if (r->ssh.openssh)
		f = sshcmd_open(&r->ssh, host, port, -1, &r->openssh);
	else
		f = tun_open(&r->ssh.tun, -1, &t);
	if (f == FATE_OK && test)
		f = r->ssh.openssh ? sshcmd_test(r->openssh, timeout) :
		    tun_test(t, host, port, timeout);
	if (f != FATE_OK) {
		tun_free(t);
		return f;
	}
	r->pump_conf = (struct pump_conf){.ssh = &r->ssh.tun,
		.cmd = r->openssh, .host = host, .port = port,
		.alive_s = r->ssh.alive_s, .wake = r->signals};
	r->pump = pump_new(&r->pump_conf, t);
	return FATE_OK;
}

/* Run the command until it ends; then what it sent still goes out. */
static int
run_command(struct run *r, char *const command[])
{
	struct signalfd_siginfo s;
	char port[16];
	pid_t pid;
	int status;

	snprintf(port, sizeof(port), "%d", r->port);
	setenv("PGHOSTADDR", "127.0.0.1", 1);
	setenv("PGPORT", port, 1);
	snprintf(port, sizeof(port), "%d", r->target.port);
	setenv("RSW_TARGET_PORT", port, 1);
	sshconf_clean_environment();
	status = child_start(command, &pid);
	if (status != 0)
		return status;
	for (;;) {
		/* Lost for good: the command finds out by itself, for the
		 * port stays ours, and refuses. */
		if (pump_run(r->pump, -1) == PUMP_LOST)
			continue;
		while (read(r->signals, &s, sizeof(s)) == sizeof(s))
			child_signal(pid, &s);
		if (child_ended(pid, &status))
			break;
	}
	pump_stop_listening(r->pump);
	pump_run(r->pump, io_now_ms() + 2000);
	return status;
}

static int
write_pid(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return msg_errno("cannot write '%s'", path);
	fprintf(f, "%ld\n", (long)getpid());
	if (fclose(f) != 0)
		return msg_errno("cannot write '%s'", path);
	return 0;
}

/* Print the port and serve until a signal. */
static int
serve(struct run *r, const struct options *o)
{
	struct signalfd_siginfo s;
	enum pump_end end;

	/* Who reads the port may look for the process at once. */
	if (o->pid_file != NULL && write_pid(o->pid_file) != 0)
		return EXIT_TUNNEL;
	printf("%d\n", r->port);
	if (fflush(stdout) != 0) {
		if (o->pid_file != NULL)
			unlink(o->pid_file);
		return EXIT_TUNNEL;	/* io_finish() says why */
	}
	if (o->background)
		child_detach(r->report);
	do {
		end = pump_run(r->pump, -1);
		s.ssi_signo = SIGCHLD;
		if (end == PUMP_WAKE)
			(void)!read(r->signals, &s, sizeof(s));
	} while (end == PUMP_WAKE && s.ssi_signo == SIGCHLD);
	if (o->pid_file != NULL)
		unlink(o->pid_file);
	return end == PUMP_WAKE ? 0 : exit_status(pump_fate(r->pump));
}

/* -W: stdin and stdout are the connection. */
static int
join(struct run *r)
{
	struct signalfd_siginfo s;
	enum pump_end end;
	enum fate f;

	f = pump_join(r->pump, STDIN_FILENO, STDOUT_FILENO);
	if (f != FATE_OK)
		return exit_status(f);
	do {
		end = pump_run(r->pump, -1);
		s.ssi_signo = SIGCHLD;
		if (end == PUMP_WAKE)
			(void)!read(r->signals, &s, sizeof(s));
	} while (end == PUMP_WAKE && s.ssi_signo == SIGCHLD);
	if (end == PUMP_WAKE)
		return 128 + (int)s.ssi_signo;
	return end == PUMP_IDLE ? 0 : exit_status(pump_fate(r->pump));
}

static int
forward(struct run *r, const struct options *o)
{
	enum fate f;

	if (o->stdio == NULL) {
		r->listener = local_listen(r->port, &r->port);
		if (r->listener < 0)
			return EXIT_TUNNEL;
	}
	r->signals = -1;
	f = open_tunnel(r, o->stdio == NULL);
	if (f != FATE_OK)
		return exit_status(f);
	r->signals = child_signals();
	if (r->signals < 0)
		return EXIT_TUNNEL;
	r->pump_conf.wake = r->signals;
	if (o->stdio != NULL)
		return join(r);
	pump_listen(r->pump, r->listener);
	if (o->command != NULL)
		return run_command(r, o->command);
	return serve(r, o);
}

int
main(int argc, char *argv[])
{
	struct options o = {.bastion = NULL};
	struct run r = {.listener = -1, .signals = -1};
	int rc;

	io_start();
	msg_init(argv[0]);
	if (sshask_wanted(argc))
		return sshask_main(argc, argv);
	rc = parse(argc, argv, &o);
	if (rc >= 0)
		return io_finish(rc);
	rc = check(&o);
	if (rc == 0 && o.background && !child_background(&r.report, &rc))
		return rc;
	if (rc == 0)
		rc = load(&o, &r) == 0 ? forward(&r, &o) : EXIT_USAGE;
	pump_free(r.pump);
	sshcmd_free(r.openssh);
	if (r.listener >= 0)
		close(r.listener);
	sshconf_release(&r.ssh);
	hostport_release(&r.target);
	cfg_free(r.cfg);
	return io_finish(rc);
}
