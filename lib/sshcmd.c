/*
 * The system's ssh as the tunnel: its command line, its life, and what its
 * messages mean. Its questions are answered by sshask.c; its connections are
 * joined by pump.c.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "dial.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "sshask.h"
#include "sshcmd.h"

/* A person at a terminal may have to look a password up. */
#define PERSON_S 300
/* What is kept of ssh's words for a message. */
#define SAID_MAX 400
/* ssh tells in this line that the bastion has opened a connection. */
#define CONFIRMED "open confirm"

/* A server shows one of its keys, the first of these types that it has. NULL:
 * whatever ssh would ask for. */
static const char *const key_types[] = {NULL, "ssh-ed25519",
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
	"rsa-sha2-512,rsa-sha2-256"};
#define NTYPES (sizeof(key_types) / sizeof(key_types[0]))

struct sshcmd {
	const struct sshconf *conf;
	const char *host;	/* the target */
	int port;
	char dir[64], socket[80];
	pid_t pid;		/* 0: it ended */
	size_t type;		/* the host key asked for; NTYPES: all were */
	int answers, key;	/* files in memory, or -1 */
	char *answers_path, *key_path;
	pthread_t reader;
	bool reading;
	pthread_mutex_t lock;	/* for what the reader writes: */
	int from;		/* its stderr */
	unsigned confirmed, failed;
	char said[SAID_MAX];	/* the last line that was no detail */
};

/* --- what ssh says ---------------------------------------------------- */

static void
take_line(struct sshcmd *s, const char *line)
{
	const char *pid = strstr(line, "(pid=");

	/* LogVerbose puts "file:function():line (pid=n): " in front. */
	if (pid != NULL && strstr(pid, "): ") != NULL)
		line = strstr(pid, "): ") + 3;
	pthread_mutex_lock(&s->lock);
	if (strstr(line, CONFIRMED) != NULL) {
		s->confirmed++;
	} else if (*line != '\0') {
		if (strstr(line, "open failed:") != NULL)
			s->failed++;
		snprintf(s->said, sizeof(s->said), "%.*s", SAID_MAX - 1,
		    line);
		msg_info("ssh: %s", line);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Reads until ssh ends, so that it never waits for us. */
static void *
read_stderr(void *arg)
{
	struct sshcmd *s = arg;
	char line[1024];
	FILE *f = fdopen(s->from, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		take_line(s, line);
	}
	if (f != NULL)
		fclose(f);
	return NULL;
}

/* Why it failed, from its last words: it has one exit status for all. */
static enum fate
say_why(struct sshcmd *s)
{
	static const char *const later[] = {"refused", "timed out", "Timeout",
		"Temporary failure", "reset by peer", "closed by", "No route",
		"unreachable", "Broken pipe"};
	const char *bastion = s->conf->hop[s->conf->nhops - 1].host;
	char said[SAID_MAX];
	size_t i;

	pthread_mutex_lock(&s->lock);
	snprintf(said, sizeof(said), "%s", s->said);
	pthread_mutex_unlock(&s->lock);
	if (s->type == NTYPES) {
		s->type = 0;
		msg_error("cannot trust the bastion '%s': none of its keys is "
		    "the one of ssh_host_key_fingerprint", bastion);
		return FATE_FAILED;
	}
	msg_error("cannot open the tunnel to '%s' by ssh: %s", bastion,
	    *said != '\0' ? said : "it ended without a word");
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strstr(said, later[i]) != NULL)
			return FATE_AGAIN;
	return FATE_FAILED;
}

/* --- its command line ------------------------------------------------- */

struct args {
	char **v;
	size_t n;
};

static void
arg(struct args *a, char *s)
{
	a->v = mem_resize(a->v, a->n + 2, sizeof(char *));
	a->v[a->n++] = s;
	a->v[a->n] = NULL;
}

static void
option(struct args *a, const char *name, const char *value)
{
	arg(a, mem_dup("-o"));
	arg(a, mem_fmt("%s=%s", name, value));
}

static void
number(struct args *a, const char *name, int value)
{
	arg(a, mem_dup("-o"));
	arg(a, mem_fmt("%s=%d", name, value));
}

static void
free_args(struct args *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
}

/* [USER@]HOST[:PORT], as -J wants it. */
static char *
hop_text(const struct hostport *h)
{
	bool v6 = strchr(h->host, ':') != NULL;
	char port[16] = "";

	if (h->port != 0)
		snprintf(port, sizeof(port), ":%d", h->port);
	return mem_fmt("%s%s%s%s%s%s", h->user != NULL ? h->user : "",
	    h->user != NULL ? "@" : "", v6 ? "[" : "", h->host, v6 ? "]" : "",
	    port);
}

static void
host_key_args(const struct sshcmd *s, struct args *a)
{
	const struct hostkey_policy *p = &s->conf->tun.hostkey;
	char self[4096];
	ssize_t n;

	if (key_types[s->type] != NULL)
		option(a, "HostKeyAlgorithms", key_types[s->type]);
	else if (p->sha1)
		option(a, "HostKeyAlgorithms", "+ssh-rsa");
	option(a, "StrictHostKeyChecking", p->pin != NULL ? "yes" :
	    p->accept_new ? "accept-new" :
	    ask_possible() && s->answers_path == NULL ? "ask" : "yes");
	if (p->pin != NULL) {
		n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		self[n > 0 ? n : 0] = '\0';
		option(a, "UserKnownHostsFile", "/dev/null");
		option(a, "GlobalKnownHostsFile", "/dev/null");
		arg(a, mem_dup("-o"));
		arg(a, mem_fmt("KnownHostsCommand=\"%s\" %%f %%H %%t %%K",
		    self));
	} else if (s->conf->known_hosts_given) {
		arg(a, mem_dup("-o"));
		arg(a, mem_fmt("UserKnownHostsFile=\"%s\"", s->conf->add_to));
		option(a, "GlobalKnownHostsFile", "/dev/null");
	}
}

static void
login_args(const struct sshcmd *s, struct args *a)
{
	const struct sshconf *c = s->conf;

	if (s->key_path != NULL || c->key_path != NULL) {
		arg(a, mem_dup("-i"));
		arg(a, mem_dup(s->key_path != NULL ? s->key_path :
		    c->key_path));
		option(a, "IdentitiesOnly", "yes");
	}
	if (c->no_agent)
		option(a, "IdentityAgent", "none");
	option(a, "NumberOfPasswordPrompts", "1");
	if (c->tun.auth.sha1)
		option(a, "PubkeyAcceptedAlgorithms", "+ssh-rsa");
}

static void
make_args(const struct sshcmd *s, struct args *a)
{
	const struct sshconf *c = s->conf;
	const struct hostport *last = &c->hop[c->nhops - 1];
	char *jumps = NULL, *one, *longer;
	size_t i;

	arg(a, mem_dup("ssh"));
	arg(a, mem_dup("-NT"));
	option(a, "ExitOnForwardFailure", "yes");
	option(a, "ControlPath", "none");
	option(a, "PermitLocalCommand", "no");
	/* ERROR keeps "no matching host key type" to itself. */
	option(a, "LogLevel", "INFO");
	option(a, "LogVerbose", "*:channel_input_open_confirmation():*,"
	    "*:channel_input_open_failure():*");
	number(a, "ConnectTimeout", c->tun.timeout_s);
	number(a, "ServerAliveInterval", c->alive_s > 3 ? c->alive_s / 3 :
	    c->alive_s > 0);
	/* The first question comes after one interval. */
	number(a, "ServerAliveCountMax", 2);
	host_key_args(s, a);
	login_args(s, a);
	for (i = 0; i + 1 < c->nhops; i++) {
		one = hop_text(&c->hop[i]);
		longer = mem_fmt("%s%s%s", jumps != NULL ? jumps : "",
		    jumps != NULL ? "," : "", one);
		free(one);
		free(jumps);
		jumps = longer;
	}
	if (jumps != NULL) {
		arg(a, mem_dup("-J"));
		arg(a, jumps);
	}
	arg(a, mem_dup("-L"));
	arg(a, mem_fmt("%s:%s%s%s:%d", s->socket, strchr(s->host, ':') != NULL ?
	    "[" : "", s->host, strchr(s->host, ':') != NULL ? "]" : "",
	    s->port));
	if (last->user != NULL) {
		arg(a, mem_dup("-l"));
		arg(a, mem_dup(last->user));
	}
	if (last->port != 0) {
		arg(a, mem_dup("-p"));
		arg(a, mem_fmt("%d", last->port));
	}
	arg(a, mem_dup("--"));
	arg(a, mem_dup(last->host));
}

/* --- its life --------------------------------------------------------- */

/* In the new process. */
static void
run(const struct sshcmd *s, char *const argv[], pid_t parent, int err)
{
	char self[4096];
	sigset_t none;
	ssize_t n;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || null < 0)
		_exit(255);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	io_restore_sigpipe();
	/* ^C is for the command; the tunnel ends after it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sshconf_clean_environment();
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (s->answers_path != NULL && n > 0) {
		self[n] = '\0';
		setenv(SSHASK_ENV, s->answers_path, 1);
		setenv("SSH_ASKPASS", self, 1);
		setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run 'ssh': %s; on Debian: apt-get "
	    "install openssh-client\n", strerror(errno));
	_exit(255);
}

static enum fate
start(struct sshcmd *s)
{
	struct args a = {NULL, 0};
	pid_t parent = getpid();
	sigset_t all, before;
	int p[2];

	unlink(s->socket);
	s->said[0] = '\0';
	if (pipe2(p, O_CLOEXEC) != 0) {
		msg_errno("cannot run 'ssh'");
		return FATE_AGAIN;
	}
	make_args(s, &a);
	s->pid = fork();
	if (s->pid == 0)
		run(s, a.v, parent, p[1]);
	free_args(&a);
	close(p[1]);
	s->from = p[0];
	if (s->pid < 0) {
		msg_errno("cannot run 'ssh'");
		close(p[0]);
		s->pid = 0;
		return FATE_AGAIN;
	}
	/* No signal may end up in that thread: main waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	s->reading = pthread_create(&s->reader, NULL, read_stderr, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->reading)
		return FATE_OK;
	close(p[0]);
	msg_error("cannot start a thread");
	return FATE_AGAIN;
}

bool
sshcmd_alive(struct sshcmd *s)
{
	if (s->pid > 0 && waitpid(s->pid, NULL, WNOHANG) == s->pid)
		s->pid = 0;
	return s->pid > 0;
}

/* End ssh if it is there, and hear its last words. */
static void
stop(struct sshcmd *s)
{
	int i;

	if (sshcmd_alive(s))
		kill(s->pid, SIGTERM);
	for (i = 0; i < 40 && sshcmd_alive(s); i++)
		poll(NULL, 0, 25);
	if (sshcmd_alive(s)) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
		s->pid = 0;
	}
	if (s->reading)
		pthread_join(s->reader, NULL);
	s->reading = false;
}

int
sshcmd_connect(struct sshcmd *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, rc, tries = 100;

	memcpy(a.sun_path, s->socket, strlen(s->socket));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* The socket's name is there a moment before ssh listens. */
	while ((rc = connect(fd, (struct sockaddr *)&a, sizeof(a))) != 0 &&
	    errno == ECONNREFUSED && --tries > 0 && sshcmd_alive(s))
		poll(NULL, 0, 10);
	if (rc == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

/* ssh ended because the server's key is not the pinned one. Has it a key of
 * another type, that is? True: ask for the next type. */
static bool
next_key_type(struct sshcmd *s)
{
	if (s->conf->tun.hostkey.pin == NULL ||
	    (strstr(s->said, "Host key verification failed") == NULL &&
	    strstr(s->said, "no matching host key type") == NULL))
		return false;
	return ++s->type < NTYPES;
}

/* The socket is there once ssh has logged in. */
static enum fate
await(struct sshcmd *s, int wake)
{
	long long deadline;
	enum fate f = FATE_AGAIN;

	deadline = io_now_ms() + 1000LL * (s->answers_path == NULL &&
	    ask_possible() ? PERSON_S :
	    s->conf->tun.timeout_s * (int)s->conf->nhops);
	while (access(s->socket, F_OK) != 0) {
		if (!sshcmd_alive(s)) {
			stop(s);
			if (!next_key_type(s))
				return say_why(s);
			f = start(s);
			if (f != FATE_OK)
				return f;
		}
		/* wake, or 10 ms */
		f = dial_wait(-1, 0, io_now_ms() + 10, wake);
		if (f == FATE_STOPPED || io_now_ms() > deadline) {
			stop(s);
			if (f != FATE_STOPPED)
				msg_error("cannot open the tunnel to '%s' by "
				    "ssh: no answer in time",
				    s->conf->hop[s->conf->nhops - 1].host);
			return f;
		}
	}
	return FATE_OK;
}

enum fate
sshcmd_reopen(struct sshcmd *s, int wake)
{
	enum fate f;

	stop(s);
	f = start(s);
	return f == FATE_OK ? await(s, wake) : f;
}

/* The key given as text, as a file that ssh can read. */
static int
store_key(struct sshcmd *s)
{
	struct buf b;

	if (s->conf->nkeys == 0)
		return 0;
	buf_init(&b, 64 * 1024);	/* as sshkey.c */
	if (sshkey_write(&s->conf->key[0].key, &b) != 0) {
		buf_wipe(&b);
		return msg_error("cannot hand the private key to ssh");
	}
	s->key = sshask_memory(b.data, b.len, &s->key_path);
	buf_wipe(&b);
	return s->key < 0 ? -1 : 0;
}

static int
prepare(struct sshcmd *s)
{
	const struct sshconf *c = s->conf;
	const char *tmp = getenv("XDG_RUNTIME_DIR");

	/* A socket's path has at most 107 bytes. */
	if (tmp == NULL || strlen(tmp) > 40 || access(tmp, W_OK) != 0)
		tmp = "/tmp";
	snprintf(s->dir, sizeof(s->dir), "%s/ssh-fwd.XXXXXX", tmp);
	if (mkdtemp(s->dir) == NULL) {
		s->dir[0] = '\0';
		return msg_errno("cannot make a directory in '%s'", tmp);
	}
	snprintf(s->socket, sizeof(s->socket), "%s/s", s->dir);
	if (store_key(s) != 0)
		return -1;
	if (c->tun.auth.password == NULL && c->passphrase == NULL &&
	    c->tun.jump_auth.password == NULL && c->tun.hostkey.pin == NULL)
		return 0;
	s->answers = sshask_store(c->tun.hostkey.pin, c->passphrase, c->hop,
	    c->nhops, c->tun.auth.password, c->tun.jump_auth.password,
	    &s->answers_path);
	return s->answers < 0 ? -1 : 0;
}

enum fate
sshcmd_open(const struct sshconf *c, const char *host, int port, int wake,
    struct sshcmd **out)
{
	struct sshcmd *s = mem_zero(1, sizeof(*s));
	enum fate f = FATE_FAILED;

	*out = NULL;
	s->conf = c;
	s->host = host;
	s->port = port;
	s->answers = s->key = -1;
	pthread_mutex_init(&s->lock, NULL);
	if (prepare(s) == 0 && (f = start(s)) == FATE_OK)
		f = await(s, wake);
	if (f == FATE_OK)
		*out = s;
	else
		sshcmd_free(s);
	return f;
}

void
sshcmd_free(struct sshcmd *s)
{
	if (s == NULL)
		return;
	stop(s);
	if (s->dir[0] != '\0') {
		unlink(s->socket);
		rmdir(s->dir);
	}
	if (s->answers >= 0)
		close(s->answers);
	if (s->key >= 0)
		close(s->key);
	free(s->answers_path);
	free(s->key_path);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

enum fate
sshcmd_test(struct sshcmd *s, int timeout_s)
{
	long long deadline = io_now_ms() + timeout_s * 1000LL;
	unsigned confirmed, failed;
	const char *bastion = s->conf->hop[s->conf->nhops - 1].host;
	char said[SAID_MAX] = "no answer in time";
	bool yes = false, no = false;
	int fd;

	pthread_mutex_lock(&s->lock);
	confirmed = s->confirmed;
	failed = s->failed;
	pthread_mutex_unlock(&s->lock);
	fd = sshcmd_connect(s);
	while (fd >= 0 && !yes && !no && io_now_ms() < deadline &&
	    sshcmd_alive(s)) {
		poll(NULL, 0, 5);
		pthread_mutex_lock(&s->lock);
		yes = s->confirmed != confirmed;
		no = s->failed != failed;
		if (no)
			snprintf(said, sizeof(said), "%s", s->said);
		pthread_mutex_unlock(&s->lock);
	}
	if (fd >= 0)
		close(fd);
	if (yes)
		return FATE_OK;
	msg_error("cannot reach '%s:%d' through '%s': %s", s->host, s->port,
	    bastion, said);
	return strstr(said, "prohibited") != NULL ||
	    strstr(said, "not known") != NULL ? FATE_FAILED : FATE_AGAIN;
}
