/*
 * An INI file as a list of entries: [KIND NAME] sections, KEY = VALUE lines,
 * values that go on in lines that begin with a blank. For cfg.c.
 */
#ifndef RSW_CFGFILE_H
#define RSW_CFGFILE_H

#include <stdbool.h>
#include <stddef.h>

/* inih keeps names of up to so many bytes, "account NAME" for one, and cuts the
 * rest: longer ones are refused. */
#define CFGFILE_NAME_MAX 49

struct cfgfile_entry {
	char *kind;	/* "account" or "job" */
	char *name;	/* of the section */
	char *key;
	char *value;	/* lines joined by newlines */
	int line;	/* where it starts, from 1 */
};

struct cfgfile {
	struct cfgfile_entry *entry;
	size_t n;
	char **section;		/* "kind name", in the order of the file */
	size_t nsections;
};

/* Is a line that begins with a blank, and reads "NAME = ...", a key that was
 * indented by mistake, and not the next line of the value of `above`? */
typedef bool cfgfile_slip(const char *above, const char *name);

/* Parse len bytes of text; `path` is for messages. 0, or -1 having said why
 * with the line's number. Release in either case. */
int cfgfile_parse(const char *path, const char *text, size_t len,
    cfgfile_slip *, struct cfgfile *);

/* Wipes the values: some are secrets. */
void cfgfile_release(struct cfgfile *);

bool cfgfile_has(const struct cfgfile *, const char *kind, const char *name);

/* The entry, or NULL; owned by the cfgfile. */
const struct cfgfile_entry *cfgfile_find(const struct cfgfile *,
    const char *kind, const char *name, const char *key);

/* The name of the i-th section of a kind, NULL past the last. */
const char *cfgfile_section(const struct cfgfile *, const char *kind,
    size_t i);

#endif
