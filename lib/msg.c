/*
 * Messages for people, on stderr. What a message says is its caller's
 * business; this file makes it one safe line and writes it at once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"

/* A message longer than this is cut: a server's page must not fill a
 * terminal. 4096 is PIPE_BUF on Linux, so that a line stays whole among the
 * lines of other processes on the same pipe. */
#define LINE_MAX_BYTES 4096

enum kind {ERROR, WARNING, NEWS, STEP, DETAIL};

static const char *name = "rs-writeback";
static int level;
static bool progress_open;
static void (*hook)(const char *line);
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;

void
msg_init(const char *argv0)
{
	const char *slash;

	if (argv0 == NULL || *argv0 == '\0')
		return;
	slash = strrchr(argv0, '/');
	name = slash != NULL ? slash + 1 : argv0;
}

const char *
msg_name(void)
{
	return name;
}

void
msg_adjust(int by)
{
	level += by;
}

int
msg_level(void)
{
	return level;
}

/* The length of the valid UTF-8 sequence at p (n bytes left), 0 if invalid.
 * C1 controls (U+0080..U+009F) count as invalid: some terminals obey them. */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	size_t len, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
	    (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* Copy text to out (LINE_MAX_BYTES), control bytes as \xNN, and end it with
 * a newline. Returns the length. */
static size_t
make_safe(char *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), n = 0, len;

	while (left > 0 && n < LINE_MAX_BYTES - 6) {
		len = 1;
		if (*p >= 0x20 && *p < 0x7f) {
			out[n++] = (char)*p;
		} else if ((len = utf8_len(p, left)) != 0) {
			memcpy(out + n, p, len);
			n += len;
		} else {
			len = 1;
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[*p >> 4];
			out[n++] = hex[*p & 15];
		}
		p += len;
		left -= len;
	}
	out[n++] = '\n';
	return n;
}

static void
put(const char *p, size_t n)
{
	ssize_t w;

	while (n > 0) {
		w = write(STDERR_FILENO, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;	/* nowhere left to complain */
		p += w;
		n -= (size_t)w;
	}
}

/* Append to a file of the run's directory; a run goes on without it. */
static void
keep(const char *dir, const char *file, const char *suffix, const char *p,
    size_t n)
{
	char path[LINE_MAX_BYTES];
	int fd, len = snprintf(path, sizeof(path), "%s/%s%s", dir, file, suffix);
	ssize_t w = 0;

	if (len < 0 || (size_t)len >= sizeof(path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* A line that was cut by a full disk is better than none. */
	w = write(fd, p, n);
	(void)w;
	close(fd);
}

/* What rs-job(1) keeps of a run: all messages of each program, steps with
 * them, and the errors in the order of time. */
static void
keep_all(enum kind kind, const char *line, size_t n)
{
	const char *dir = getenv("RSW_RUN_DIR");

	if (dir == NULL || *dir == '\0' || kind == DETAIL)
		return;
	keep(dir, name, ".stderr", line, n);
	if (kind == ERROR)
		keep(dir, "errors", "", line, n);
}

/* "name: prefix text[: strerror]", one line. */
static void MSG_PRINTF(4, 0)
say(enum kind kind, const char *prefix, int err, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	size_t len;
	int n;

	n = snprintf(text, sizeof(text), "%s: %s", name, prefix);
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	if (err != 0) {
		n = (int)strlen(text);
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s",
		    strerror(err));
	}
	pthread_mutex_lock(&door);
	len = make_safe(line, text);
	keep_all(kind, line, len);
	if (hook != NULL && kind <= WARNING) {
		line[len - 1] = '\0';
		hook(line + strlen(name) + 2);
	} else if (kind < STEP || level >= (kind == STEP ? 1 : 2)) {
		if (progress_open)
			put("\r\033[K", 4);
		progress_open = false;
		put(line, len);
	}
	pthread_mutex_unlock(&door);
}

void
msg_hook(void (*fn)(const char *line))
{
	hook = fn;
}

int
msg_error(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say(ERROR, "", 0, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

int
msg_errno(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say(ERROR, "", saved, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

void
msg_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(WARNING, "warning: ", 0, fmt, ap);
	va_end(ap);
}

void
msg_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(NEWS, "", 0, fmt, ap);
	va_end(ap);
}

void
msg_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(STEP, "", 0, fmt, ap);
	va_end(ap);
}

void
msg_debug(const char *fmt, ...)
{
	va_list ap;

	if (level < 2)
		return;
	va_start(ap, fmt);
	say(DETAIL, "", 0, fmt, ap);
	va_end(ap);
}

int
msg_progress_wanted(void)
{
	return level >= 0 && isatty(STDERR_FILENO);
}

void
msg_progress(const char *fmt, ...)
{
	char text[512], line[LINE_MAX_BYTES];
	va_list ap;
	size_t n;

	if (!msg_progress_wanted())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = make_safe(line, text) - 1;	/* without the newline */
	pthread_mutex_lock(&door);
	put("\r\033[K", 4);
	put(line, n);
	progress_open = true;
	pthread_mutex_unlock(&door);
}

void
msg_progress_end(void)
{
	pthread_mutex_lock(&door);
	if (progress_open)
		put("\r\033[K", 4);
	progress_open = false;
	pthread_mutex_unlock(&door);
}
