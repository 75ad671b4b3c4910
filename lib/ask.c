/*
 * Questions on the terminal (/dev/tty), because stdin carries data.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "io.h"
#include "mem.h"

#define ANSWER_MAX_BYTES 4096	/* no line of a terminal is longer */

static int
open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool
ask_possible(void)
{
	int fd = open_terminal();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Prompts may come from a server: nothing in them may move the cursor. */
static void
show(int fd, const char *prompt)
{
	char *safe = mem_dup(prompt), *p;

	for (p = safe; *p != '\0'; p++)
		if (((unsigned char)*p < ' ' && *p != '\n') || *p == 0x7f)
			*p = '?';
	io_write_full(fd, safe, strlen(safe));
	free(safe);
}

/* The signal that came during a question; 0: none. */
static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

struct kept {
	struct sigaction act[NSIGNALS];
	sigset_t mask;
	struct termios tty;
	bool is_tty;
};

/* Without echo the terminal must be as it was before a signal ends us: it is
 * caught, and raised again afterwards. */
static void
hush(int fd, struct kept *k)
{
	struct sigaction act = {.sa_handler = on_signal};
	struct termios quiet;
	sigset_t all;
	size_t i;

	caught = 0;
	sigemptyset(&all);
	for (i = 0; i < NSIGNALS; i++) {
		sigaction(signals[i], &act, &k->act[i]);
		sigaddset(&all, signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &all, &k->mask);
	k->is_tty = tcgetattr(fd, &k->tty) == 0;
	quiet = k->tty;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* What was typed before the question is no answer to it. */
	if (k->is_tty)
		tcsetattr(fd, TCSAFLUSH, &quiet);
}

static void
unhush(int fd, const struct kept *k)
{
	size_t i;

	if (k->is_tty)
		tcsetattr(fd, TCSAFLUSH, &k->tty);
	io_write_full(fd, "\n", 1);
	sigprocmask(SIG_SETMASK, &k->mask, NULL);
	for (i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &k->act[i], NULL);
	if (caught != 0)
		raise(caught);
}

/* A line without its end; NULL: the end of input, or a signal. */
static char *
read_line(int fd)
{
	char line[ANSWER_MAX_BYTES], *answer = NULL;
	size_t n = 0;
	ssize_t r = 0;
	char c;

	while (caught == 0 && ((r = read(fd, &c, 1)) > 0 ||
	    (r < 0 && errno == EINTR))) {
		if (r > 0 && c == '\n') {
			answer = mem_ndup(line, n);
			break;
		}
		if (r > 0 && n < sizeof(line))
			line[n++] = c;
	}
	OPENSSL_cleanse(line, sizeof(line));
	return answer;
}

char *
ask_line(const char *prompt, bool echo)
{
	struct kept k;
	char *answer;
	int fd = open_terminal();

	if (fd < 0)
		return NULL;
	do {
		caught = 0;
		if (!echo)
			hush(fd, &k);
		show(fd, prompt);
		answer = read_line(fd);
		if (!echo)
			unhush(fd, &k);
		/* After a pause (^Z) the question is put again. */
	} while (answer == NULL && caught == SIGTSTP);
	close(fd);
	return answer;
}

bool
ask_yes(const char *question)
{
	char *answer = ask_line(question, true);
	bool yes = answer != NULL && strcasecmp(answer, "yes") == 0;

	mem_wipe_str(answer);
	return yes;
}
