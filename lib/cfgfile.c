/*
 * The INI file, read by inih. inih cuts long lines and long names without a
 * word and does not tell a second value from a value's second line, so the
 * lines are handed to it one by one from here, and checked before.
 */
#include "config.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "cfgfile.h"
#include "mem.h"
#include "msg.h"

#ifdef HAVE_INI_KNOBS
#define LINE_LIMIT (64 * 1024)	/* a session token has some 1,000 bytes */
#else
#define LINE_LIMIT 199
#endif

struct reader {
	const char *path;
	const char *at, *end;
	int line;		/* the line that inih has in hand, from 1 */
	bool continued;		/* it begins with a blank */
	bool value;		/* a key stands above it in its section */
	bool failed;		/* said why */
	cfgfile_slip *slip;
	struct cfgfile *file;
};

static int
fault(struct reader *r, const char *what)
{
	if (!r->failed)
		msg_error("cannot use '%s': line %d: %s", r->path, r->line,
		    what);
	r->failed = true;
	return -1;
}

/* "account NAME" or "job NAME" with one blank between, or NULL. */
static const char *
section_name(const char *section)
{
	if (strncmp(section, "account ", 8) == 0 && section[8] > ' ')
		return section + 8;
	if (strncmp(section, "job ", 4) == 0 && section[4] > ' ')
		return section + 4;
	return NULL;
}

static void
add_section(struct cfgfile *f, const char *section)
{
	size_t i;

	for (i = 0; i < f->nsections; i++)
		if (strcmp(f->section[i], section) == 0)
			return;
	f->section = mem_resize(f->section, f->nsections + 1,
	    sizeof(*f->section));
	f->section[f->nsections++] = mem_dup(section);
}

/* A section's header: remember it even if nothing stands below it. */
static int
check_header(struct reader *r, const char *p, size_t n)
{
	const char *close = memchr(p, ']', n);
	char *section;
	int rc = 0;

	if (close == NULL)
		return fault(r, "a section begins with '[' and has no ']'");
	section = mem_ndup(p + 1, (size_t)(close - p - 1));
	if (strlen(section) > CFGFILE_NAME_MAX)
		rc = fault(r, "the section's name is longer than 49 bytes");
	else if (section_name(section) == NULL)
		rc = fault(r, "a section is '[account NAME]' or '[job NAME]'");
	else if (*section_name(section) == '-')
		rc = fault(r, "a name that begins with '-' would be taken for "
		    "an option");
	else
		add_section(r->file, section);
	r->value = false;
	free(section);
	return rc;
}

/* A line that begins with a blank, and is neither empty nor a comment. */
static bool
indented(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i > 0 && i < n && strchr(";#\r", p[i]) == NULL;
}

/* Keys that are all indented would silently become one value. */
static int
check_slip(struct reader *r, const char *p, size_t n)
{
	const struct cfgfile_entry *above = &r->file->entry[r->file->n - 1];
	const char *eq = memchr(p, '=', n);
	char *name, *text;
	int rc = 0;

	if (eq == NULL)
		return 0;
	for (; *p == ' ' || *p == '\t'; p++)
		;
	while (eq > p && (eq[-1] == ' ' || eq[-1] == '\t'))
		eq--;
	name = mem_ndup(p, (size_t)(eq - p));
	if (r->slip(above->key, name)) {
		text = mem_fmt("'%s' begins with a blank, so it would be a "
		    "second line of '%s' above; write keys from the first "
		    "column on", name, above->key);
		rc = fault(r, text);
		free(text);
	}
	free(name);
	return rc;
}

static int
check_line(struct reader *r, const char *p, size_t n)
{
	if (memchr(p, '\0', n) != NULL)
		return fault(r, "it holds a NUL byte");
	if (n > LINE_LIMIT - 2)
		return fault(r, "it is too long; use KEY_file = PATH");
	if (n > 0 && *p == '[')
		return check_header(r, p, n);
	if (!r->value && indented(p, n))
		return fault(r, "it begins with a blank, as a value's second "
		    "line does, but no value stands above it; write [sections] "
		    "and keys from the first column on");
	if (indented(p, n) && check_slip(r, p, n) != 0)
		return -1;
#ifndef HAVE_INI_KNOBS
	if (memmem(p, n, " ;", 2) != NULL && *p != ';' && *p != '#')
		return fault(r, "' ;' would begin a comment in this build; "
		    "use KEY_file = PATH");
#endif
	return 0;
}

/* inih asks for one line more, as fgets() would give it. */
static char *
next_line(char *out, int size, void *arg)
{
	struct reader *r = arg;
	const char *nl;
	size_t n;

	if (r->at == r->end || r->failed)
		return NULL;
	nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
	n = (size_t)((nl != NULL ? nl : r->end) - r->at);
	r->line++;
	r->continued = n > 0 && (*r->at == ' ' || *r->at == '\t');
	if (check_line(r, r->at, n) != 0)
		return NULL;
	if (n + 2 > (size_t)size) {
		fault(r, "it is too long; use KEY_file = PATH");
		return NULL;
	}
	memcpy(out, r->at, n);
	out[n] = '\n';
	out[n + 1] = '\0';
	r->at += nl != NULL ? n + 1 : n;
	return out;
}

/* One value, or one line more of the last value. 1 means go on to inih. */
static int
take(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *r = arg;
	struct cfgfile *f = r->file;
	struct cfgfile_entry *e = f->n > 0 ? &f->entry[f->n - 1] : NULL;
	const char *name = section_name(section);
	char *joined;

	if (r->failed)
		return 0;
	if (name == NULL) {
		fault(r, "a key stands before the first section");
		return 0;
	}
	if (r->continued && e != NULL && strcmp(e->key, key) == 0) {
		joined = mem_fmt("%s\n%s", e->value, value);
		mem_wipe_str(e->value);
		e->value = joined;
		return 1;
	}
	if (strlen(key) >= CFGFILE_NAME_MAX) {
		fault(r, "the key's name is too long");
		return 0;
	}
	f->entry = mem_resize(f->entry, f->n + 1, sizeof(*f->entry));
	e = &f->entry[f->n];
	*e = (struct cfgfile_entry){.name = mem_dup(name),
	    .kind = mem_ndup(section, (size_t)(name - section - 1)),
	    .key = mem_dup(key), .value = mem_dup(value), .line = r->line};
	f->n++;
	r->value = true;
	return 1;
}

/* The same key twice in a section is a slip that would be hard to see. */
static int
check_doubles(struct reader *r)
{
	const struct cfgfile *f = r->file;
	const struct cfgfile_entry *a;
	size_t i;

	for (i = 0; i < f->n; i++) {
		a = cfgfile_find(f, f->entry[i].kind, f->entry[i].name,
		    f->entry[i].key);
		if (a == &f->entry[i])
			continue;
		return msg_error("cannot use '%s': line %d: '%s' is set "
		    "already in line %d", r->path, f->entry[i].line,
		    f->entry[i].key, a->line);
	}
	return 0;
}

int
cfgfile_parse(const char *path, const char *text, size_t len,
    cfgfile_slip *slip, struct cfgfile *f)
{
	struct reader r = {.path = path, .at = text, .end = text + len,
	    .slip = slip, .file = f};
	int bad;

	memset(f, 0, sizeof(*f));
	/* Some editors begin a file with a byte order mark. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
#ifdef HAVE_INI_KNOBS
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_max_line = LINE_LIMIT;
	ini_initial_alloc = LINE_LIMIT;
	ini_allow_inline_comments = false;
#endif
	bad = ini_parse_stream(next_line, &r, take, &r);
	if (r.failed)
		return -1;
	if (bad > 0)
		return msg_error("cannot use '%s': line %d: neither a "
		    "[section] nor KEY = VALUE", path, bad);
	if (bad < 0)
		return msg_error("cannot use '%s': no memory", path);
	return check_doubles(&r);
}

void
cfgfile_release(struct cfgfile *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->entry[i].kind);
		free(f->entry[i].name);
		free(f->entry[i].key);
		mem_wipe_str(f->entry[i].value);
	}
	free(f->entry);
	for (i = 0; i < f->nsections; i++)
		free(f->section[i]);
	free(f->section);
	memset(f, 0, sizeof(*f));
}

const char *
cfgfile_section(const struct cfgfile *f, const char *kind, size_t i)
{
	size_t s, n = strlen(kind);

	for (s = 0; s < f->nsections; s++)
		if (strncmp(f->section[s], kind, n) == 0 &&
		    f->section[s][n] == ' ' && i-- == 0)
			return f->section[s] + n + 1;
	return NULL;
}

bool
cfgfile_has(const struct cfgfile *f, const char *kind, const char *name)
{
	const char *s;
	size_t i;

	for (i = 0; (s = cfgfile_section(f, kind, i)) != NULL; i++)
		if (strcmp(s, name) == 0)
			return true;
	return false;
}

const struct cfgfile_entry *
cfgfile_find(const struct cfgfile *f, const char *kind, const char *name,
    const char *key)
{
	const struct cfgfile_entry *e;
	size_t i;

	for (i = 0; i < f->n; i++) {
		e = &f->entry[i];
		if (strcmp(e->key, key) == 0 && strcmp(e->name, name) == 0 &&
		    strcmp(e->kind, kind) == 0)
			return e;
	}
	return NULL;
}
