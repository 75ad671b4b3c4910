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

/* A passphrase longer than this is cut by most programs. */
#define ANSWER_MAX_BYTES 1024

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

static char *
read_line(int fd)
{
	char line[ANSWER_MAX_BYTES], *answer = NULL;
	size_t n = 0;
	ssize_t r;
	char c;

	while ((r = read(fd, &c, 1)) > 0 || (r < 0 && errno == EINTR)) {
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
	struct termios was, quiet;
	sigset_t stop, before;
	char *answer;
	int fd = open_terminal();

	if (fd < 0)
		return NULL;
	/* A signal between would leave the user's terminal without echo. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	sigaddset(&stop, SIGQUIT);
	sigaddset(&stop, SIGTSTP);
	if (!echo && tcgetattr(fd, &was) == 0) {
		sigprocmask(SIG_BLOCK, &stop, &before);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		/* What was typed before the question is no answer to it. */
		tcsetattr(fd, TCSAFLUSH, &quiet);
		show(fd, prompt);
		answer = read_line(fd);
		tcsetattr(fd, TCSAFLUSH, &was);
		sigprocmask(SIG_SETMASK, &before, NULL);
		io_write_full(fd, "\n", 1);
	} else {
		show(fd, prompt);
		answer = read_line(fd);
	}
	close(fd);
	/* Without ISIG ^C arrives as a character. */
	if (!echo && answer != NULL && strchr(answer, '\3') != NULL) {
		mem_wipe_str(answer);
		raise(SIGINT);
		return NULL;
	}
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
