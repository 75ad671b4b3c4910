/*
 * The lines that a check prints. Which links there are, and how they are
 * tried, is in checkconf.c, checkdomo.c, checkssh.c, checkdb.c and checks3.c.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "check.h"
#include "msg.h"

#define TEXT_MAX 4096		/* a line; the errors before it have no bound */

static struct buf heard;
static int failed;

static void
hear(const char *line)
{
	if (strncmp(line, "warning: ", 9) == 0)
		return;
	if (heard.len > 0)
		buf_adds(&heard, "; ");
	buf_adds(&heard, line);
}

void
check_start(void)
{
	buf_init(&heard, 64 * 1024);
	msg_hook(hear);
}

int
check_failed(void)
{
	return failed;
}

void
check_listen(void)
{
	buf_reset(&heard);
}

const char *
check_errors(void)
{
	return heard.data;
}

bool
check_heard(const char *text)
{
	return strstr(heard.data, text) != NULL;
}

static void
line(const char *state, const char *link, const char *text)
{
	printf("%-5s %-14s %s\n", state, link, text);
	fflush(stdout);
}

void
check_ok(const char *link, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line("ok", link, text);
}

const char *
check_bad(const char *link, const char *todo, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, todo);
	vsnprintf(text, sizeof(text), todo, ap);
	va_end(ap);
	if (heard.len > 0 && *text != '\0')
		buf_adds(&heard, " -> ");
	buf_adds(&heard, text);
	line("FAIL", link, heard.data);
	failed++;
	return link;
}

void
check_note(const char *link, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line("-", link, text);
}

void
check_skip(const char *link, const char *because)
{
	check_note(link, "not tried, because of '%s'", because);
}
