/*
 * Questions and what is wrong with their answers. What is asked, and where the
 * answers go, is the program's.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "form.h"
#include "mem.h"
#include "msg.h"
#include "num.h"

#define ANSWER_MAX (32 * 1024)		/* of a key of 16384 bits: 13 kB */

static bool terminal;		/* stdin is one */

void
form_start(void)
{
	terminal = isatty(STDIN_FILENO) && ask_possible();
}

bool
form_is_asked(void)
{
	return terminal;
}

/* A line of stdin, NULL at its end. */
static char *
read_answer(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, stdin);

	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n >= 0)
		return line;
	free(line);
	return NULL;
}

static char *
ask_once(const char *prompt, bool secret)
{
	return terminal ? ask_line(prompt, !secret) : read_answer();
}

/* A key that was pasted comes as many lines, or, out of some JSON, as one with
 * \n for their ends. Makes one text of lines, each but the first indented. */
static char *
gather_key(char *line)
{
	struct buf b;
	char *p, *end;

	buf_init(&b, ANSWER_MAX);
	while (line != NULL) {
		for (p = line; *p != '\0'; p = end) {
			end = strstr(p, "\\n");
			if (end == NULL)
				end = p + strlen(p);
			buf_addf(&b, "%s%.*s", b.len > 0 ? "\n  " : "",
			    (int)(end - p), p);
			end += *end == '\\' ? 2 : 0;
		}
		mem_wipe_str(line);
		line = strstr(b.data, "-----END") == NULL ?
		    ask_once("", false) : NULL;
	}
	return buf_take(&b);
}

/* Is the word one of those in the label's last brackets? */
static bool
is_choice(const char *label, const char *word)
{
	const char *p = strrchr(label, '(');
	size_t n;

	for (p++; *p != '\0'; p += n, p += strspn(p, ", )")) {
		n = strcspn(p, ",)");
		if (n == strlen(word) && memcmp(p, word, n) == 0)
			return true;
	}
	return false;
}

static bool
can_read(const char *path)
{
	const char *home = getenv("HOME");
	char *full = strncmp(path, "~/", 2) == 0 && home != NULL ?
	    mem_fmt("%s%s", home, path + 1) : mem_dup(path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	free(full);
	return fd >= 0;
}

/* 0, or -1 having said why the answer will not do. */
static int
check_answer(const struct form_field *f, const char *answer)
{
	const char *p = answer;
	int64_t port;

	if ((f->flags & FORM_KEY) && strncmp(answer, "-----BEGIN", 10) == 0)
		return strstr(answer, "-----END") != NULL ? 0 :
		    msg_error("'%s': the key has no end; give the path of its "
		    "file", f->label);
	while ((unsigned char)*p >= ' ')
		p++;
	if (*p != '\0' || strlen(answer) >= ANSWER_MAX || *answer == ' ' ||
	    (p > answer && p[-1] == ' '))
		return msg_error("'%s' cannot begin or end with a blank, nor "
		    "have control characters", f->label);
	if (*answer == '\0')
		return f->flags & FORM_NEEDED ? msg_error("'%s' is needed",
		    f->label) : 0;
	if ((f->flags & FORM_PORT) && num_parse(answer, 1, 65535, &port) != 0)
		return msg_error("'%s' is a number from 1 to 65535", f->label);
	if ((f->flags & FORM_WORD) && !is_choice(f->label, answer))
		return msg_error("'%s': '%s' is none of these", f->label,
		    answer);
	if ((f->flags & FORM_PATH) && strstr(answer, "://") == NULL &&
	    !can_read(answer))
		return msg_errno("'%s': cannot open '%s'", f->label, answer);
	return 0;
}

char *
form_ask(const struct form_field *f)
{
	char *prompt = f->fallback != NULL ? mem_fmt("%s [%s]: ", f->label,
	    f->fallback) : mem_fmt("%s: ", f->label);
	char *answer;

	do {
		answer = ask_once(prompt, f->flags & FORM_SECRET);
		if (answer == NULL) {
			msg_error("cannot go on: the answers end before '%s'; "
			    "nothing was written", f->label);
			break;
		}
		if ((f->flags & FORM_KEY) && strncmp(answer, "-----BEGIN", 10) == 0)
			answer = gather_key(answer);
		if (*answer == '\0' && f->fallback != NULL) {
			free(answer);
			answer = mem_dup(f->fallback);
		}
		if (check_answer(f, answer) == 0)
			break;
		mem_wipe_str(answer);
		answer = NULL;
	} while (terminal);
	free(prompt);
	return answer;
}

/* The answer that text, a section's lines, has for a key; NULL: none. */
static char *
answered(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *p;

	for (p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, key, n) == 0 && strncmp(p + n, " = ", 3) == 0)
			return mem_ndup(p + n + 3, strcspn(p + n + 3, "\n"));
	return NULL;
}

static bool
wanted(const struct form_field *f, const char *text)
{
	char *v;
	bool yes;

	if (f->with == NULL)
		return true;
	v = answered(text, f->with);
	yes = v != NULL && (f->is == NULL || strcmp(v, f->is) == 0);
	mem_wipe_str(v);
	return yes;
}

int
form_fill(const struct form_field *f, size_t n, struct buf *out)
{
	char *answer, *real;

	for (; n > 0; n--, f++) {
		if (!wanted(f, out->data))
			continue;
		answer = form_ask(f);
		if (answer == NULL)
			return -1;
		/* From here, not from where the configuration is. */
		if ((f->flags & FORM_PATH) && *answer != '\0' && *answer != '~' &&
		    (real = realpath(answer, NULL)) != NULL) {
			free(answer);
			answer = real;
		}
		if (*answer != '\0' && buf_addf(out, "%s = %s\n", f->key,
		    answer) != 0) {
			mem_wipe_str(answer);
			return msg_error("cannot hold so long answers");
		}
		mem_wipe_str(answer);
	}
	return 0;
}
