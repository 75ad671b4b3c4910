/*
 * The difference between the input and the table, as a list of things to do
 * and a list of things that can not be done.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "name.h"
#include "plan.h"

#define LINE_MAX_BYTES (64 * 1024)

/* PostgreSQL's system columns: no column can have such a name. */
static const char *const reserved[] = {
	"oid", "ctid", "xmin", "cmin", "xmax", "cmax", "tableoid", NULL
};

void
plan_table_release(struct plan_table *t)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		free(t->column[i].name);
		free(t->column[i].base);
		free(t->column[i].encoding);
		free(t->column[i].key);
	}
	free(t->column);
	free(t->owner);
	memset(t, 0, sizeof(*t));
}

struct plan_column *
plan_table_add(struct plan_table *t, const char *name, const char *base,
    int length, int precision, int scale)
{
	struct plan_column *c;

	t->column = mem_resize(t->column, t->ncolumns + 1, sizeof(*c));
	c = &t->column[t->ncolumns++];
	memset(c, 0, sizeof(*c));
	c->name = mem_dup(name);
	c->base = mem_dup(base);
	c->type = coltype_of(c->base, length, precision, scale);
	return c;
}

int
plan_table_find(const struct plan_table *t, const char *name)
{
	char *folded;
	bool same;
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		folded = name_fold(t->column[i].name, NAME_MAX_LEN);
		same = strcmp(folded, name) == 0;
		free(folded);
		if (same)
			return (int)i;
	}
	return -1;
}

/* The name of one column, not looking at the others. */
static char *
own_name(const char *source, size_t number, size_t max)
{
	char *clean = mem_dup(source), *p, *name;
	size_t i;

	for (p = clean; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '_';
	name = name_fold(clean, max);
	free(clean);
	if (*name == '\0') {
		free(name);
		return mem_fmt("column_%zu", number);
	}
	for (i = 0; reserved[i] != NULL; i++)
		if (strcmp(name, reserved[i]) == 0) {
			p = mem_fmt("%s_", name);
			free(name);
			return p;
		}
	return name;
}

static bool
taken(char *const *name, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (name[i] != NULL && strcmp(name[i], s) == 0)
			return true;
	return false;
}

/* name_2, name_3, ...: the first that no column has. */
static char *
numbered(char *const *name, size_t n, const char *base, size_t max)
{
	char *tail, *cut, *s;
	int i;

	for (i = 2;; i++) {
		tail = mem_fmt("_%d", i);
		cut = name_fold(base, max - strlen(tail));
		s = mem_fmt("%s%s", cut, tail);
		free(cut);
		free(tail);
		if (!taken(name, n, s))
			return s;
		free(s);
	}
}

char **
plan_names(const struct manifest *m, size_t max)
{
	char **name = mem_zero(m->ncolumns + 1, sizeof(*name)), *s;
	size_t i;

	for (i = 0; i < m->ncolumns; i++)
		name[i] = own_name(m->column[i].name, i + 1, max);
	/* Backwards would give the first of two the number. */
	for (i = 0; i < m->ncolumns; i++)
		if (taken(name, i, name[i])) {
			s = numbered(name, m->ncolumns, name[i], max);
			free(name[i]);
			name[i] = s;
		}
	return name;
}

void
plan_names_free(char **name)
{
	size_t i;

	for (i = 0; name != NULL && name[i] != NULL; i++)
		free(name[i]);
	free(name);
}

static void
add_line(char ***list, size_t *n, char *line)
{
	*list = mem_resize(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = line;
}

/* fault() and note() take a line that was just made. */
static void
fault(struct plan *p, char *line)
{
	add_line(&p->fault, &p->nfaults, line);
}

static void
note(struct plan *p, char *line)
{
	add_line(&p->note, &p->nnotes, line);
}

static char *
ddl(const struct coltype *t)
{
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	coltype_ddl(t, &b);
	return buf_take(&b);
}

/* The type that a new column gets. */
static struct coltype
new_type(const struct manifest_column *c, int headroom)
{
	struct coltype t = coltype_of(c->base, c->max_length, c->precision,
	    c->scale);

	if (t.kind == COLTYPE_VARCHAR) {
		t.length += (int)((int64_t)t.length * headroom / 100);
		if (t.length < 1)
			t.length = 1;
		if (t.length > COLTYPE_VARCHAR_MAX)
			t.length = COLTYPE_VARCHAR_MAX;
	}
	return t;
}

static void
make_new(struct plan *p, struct plan_item *it, const struct plan_opt *o)
{
	it->type = new_type(it->source, o->headroom);
	if (!coltype_valid(&it->type))
		fault(p, mem_fmt("column '%s': there is no type '%s' (length "
		    "%d, precision %d, scale %d)", it->name, it->source->base,
		    it->source->max_length, it->source->precision,
		    it->source->scale));
}

static void
plan_add(struct plan *p, struct plan_item *it, const struct plan_opt *o,
    const char *where)
{
	char *type, *quoted;

	make_new(p, it, o);
	it->action = PLAN_ADD;
	p->nadd++;
	if (o->add && !o->exact)
		return;
	type = ddl(&it->type);
	quoted = name_quote(it->name);
	fault(p, mem_fmt("column '%s' is not in the table; to add it: ALTER "
	    "TABLE %s ADD COLUMN %s %s", it->name, where, quoted, type));
	free(quoted);
	free(type);
}

/* A column that does not fit can be replaced by a new one: Redshift changes
 * no type but the width of a VARCHAR. */
static void
unfit(struct plan *p, const struct plan_item *it, const struct plan_column *c,
    const char *why, bool may_round, const struct plan_opt *o,
    const char *where)
{
	char *has = ddl(&c->type), *quoted = name_quote(c->name), *want, *mend;
	struct coltype t = new_type(it->source, 0);

	want = ddl(&t);
	if (o->postgres)
		mend = mem_fmt("ALTER COLUMN %s TYPE %s", quoted, want);
	else if (c->not_null)
		/* It can not stay without values under another name. */
		mend = mem_fmt("DROP COLUMN %s, and load again, which adds the "
		    "column as %s", quoted, want);
	else
		mend = mem_fmt("RENAME COLUMN %s TO another name, and load "
		    "again, which adds the column as %s", quoted, want);
	fault(p, mem_fmt("column '%s' is %s, but %s; to mend it: ALTER TABLE %s "
	    "%s%s", c->name, has, why, where, mend,
	    may_round ? "; or allow the loss by --round" : ""));
	free(mend);
	free(want);
	free(quoted);
	free(has);
}

/* Redshift widens no column with such an encoding. */
static bool
narrow_encoding(const char *name)
{
	static const char *const names[] = {"bytedict", "runlength", "text255",
		"text32k", NULL};
	size_t i;

	for (i = 0; name != NULL && names[i] != NULL; i++)
		if (strncasecmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* What must be done before Redshift widens a column, as statements; NULL:
 * nothing. */
static char *
before_widening(const struct plan_column *c, const char *where)
{
	char *quoted = name_quote(c->name), *key;
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	if (c->has_default) {
		buf_addf(&b, ", and Redshift widens no column that has a "
		    "default; to mend it: ALTER TABLE %s RENAME COLUMN %s TO "
		    "another name, and load again, which adds the column",
		    where, quoted);
	} else if (c->key != NULL) {
		key = name_quote(c->key);
		buf_addf(&b, ", and Redshift widens no column of a key; to "
		    "mend it: ALTER TABLE %s DROP CONSTRAINT %s, and load "
		    "again", where, key);
		free(key);
	} else if (narrow_encoding(c->encoding)) {
		buf_addf(&b, ", and Redshift widens no column with the "
		    "encoding '%.*s'; to mend it: ALTER TABLE %s ALTER COLUMN "
		    "%s ENCODE zstd, and load again",
		    (int)strcspn(c->encoding, " "), c->encoding, where, quoted);
	}
	free(quoted);
	if (b.len > 0)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

static void
plan_widen(struct plan *p, struct plan_item *it, const struct plan_column *c,
    const struct plan_opt *o, const char *why, int width, const char *where)
{
	char *mend = o->postgres ? NULL : before_widening(c, where), *quoted;

	width += (int)((int64_t)width * o->headroom / 100);
	if (width > COLTYPE_VARCHAR_MAX)
		width = COLTYPE_VARCHAR_MAX;
	it->action = PLAN_WIDEN;
	it->was = c->type.length;
	it->type.length = width;
	p->nwiden++;
	if (mend == NULL && (!o->widen || o->exact)) {
		quoted = name_quote(c->name);
		mend = mem_fmt("; to widen it: ALTER TABLE %s ALTER COLUMN %s "
		    "TYPE VARCHAR(%d)", where, quoted, width);
		free(quoted);
	}
	if (mend != NULL)
		fault(p, mem_fmt("column '%s' is VARCHAR(%d), but %s%s",
		    c->name, c->type.length, why, mend));
	free(mend);
}

/* NULLs for a column that takes none. */
static void
plan_nulls(struct plan *p, const struct plan_column *c, int64_t nulls,
    const struct plan_opt *o, const char *where)
{
	char *quoted = name_quote(c->name);

	fault(p, mem_fmt("column '%s' is NOT NULL, but %lld of its values are "
	    "NULL; %sfill the values, or: ALTER TABLE %s %s %s%s", c->name,
	    (long long)nulls, o->postgres ? "" : "Redshift can not take NOT "
	    "NULL off a column: ", where, o->postgres ? "ALTER COLUMN" :
	    "DROP COLUMN", quoted, o->postgres ? " DROP NOT NULL" :
	    ", and load again, which adds it without"));
	free(quoted);
}

static void
compare(struct plan *p, struct plan_item *it, const struct plan_column *c,
    const struct manifest *m, const struct plan_opt *o, const char *where)
{
	const struct manifest_column *s = it->source;
	struct coltype_values v = {
		.type = coltype_of(s->base, s->max_length, s->precision,
		    s->scale),
		.max_bytes = s->max_bytes, .int_digits = s->int_digits,
		.none = m->record_count == 0 ||
		    (s->nulls >= 0 && s->nulls == m->record_count),
	};
	struct buf why;
	int width = 0;

	it->type = c->type;
	buf_init(&why, LINE_MAX_BYTES);
	switch (coltype_fit(&v, &c->type, &width, &why)) {
	case COLTYPE_FITS:
		break;
	case COLTYPE_WIDEN:
		plan_widen(p, it, c, o, why.data, width, where);
		break;
	case COLTYPE_ROUND:
		if (!o->round)
			unfit(p, it, c, why.data, true, o, where);
		break;
	case COLTYPE_NEVER:
		unfit(p, it, c, why.data, false, o, where);
		break;
	}
	buf_release(&why);
	if (c->not_null && s->nulls > 0)
		plan_nulls(p, c, s->nulls, o, where);
	if (c->identity)
		fault(p, mem_fmt("column '%s' is an IDENTITY, whose values "
		    "the database makes: leave it out of the input", c->name));
}

/* Columns of the table that the input lacks. */
static void
look_for_missing(struct plan *p, const struct plan_table *t,
    const bool *seen, const struct plan_opt *o, const char *where)
{
	const struct plan_column *c;
	char *quoted;
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		c = &t->column[i];
		if (seen[i] || c->identity)
			continue;
		quoted = name_quote(c->name);
		if (c->not_null && !c->has_default)
			fault(p, mem_fmt("column '%s' is not in the input, but "
			    "it is NOT NULL and has no default; put it into "
			    "the input, or: ALTER TABLE %s DROP COLUMN %s",
			    c->name, where, quoted));
		else if (o->exact)
			fault(p, mem_fmt("column '%s' is not in the input; put "
			    "it there, or: ALTER TABLE %s DROP COLUMN %s",
			    c->name, where, quoted));
		else
			note(p, mem_fmt("column '%s' is not in the input: the "
			    "rows get %s there", c->name, c->has_default ?
			    "its default" : "NULL"));
		free(quoted);
	}
}

void
plan_make(struct plan *p, const struct manifest *m,
    const struct plan_table *t, const struct plan_opt *o, const char *where)
{
	bool *seen = mem_zero(t->ncolumns, sizeof(*seen));
	char **name = plan_names(m, o->name_max != 0 ? o->name_max :
	    NAME_MAX_LEN), *folded;
	struct plan_item *it;
	size_t i;
	int at;

	memset(p, 0, sizeof(*p));
	p->n = m->ncolumns;
	p->item = mem_zero(p->n, sizeof(*p->item));
	for (i = 0; i < p->n; i++) {
		it = &p->item[i];
		it->source = &m->column[i];
		at = plan_table_find(t, name[i]);
		it->name = mem_dup(at >= 0 ? t->column[at].name : name[i]);
		folded = name_fold(it->source->name, (size_t)-1);
		if (strcmp(folded, name[i]) != 0)
			add_line(&p->rename, &p->nrenames, mem_fmt("column "
			    "%zu, '%s', is called '%s' in the table", i + 1,
			    it->source->name, name[i]));
		free(folded);
		if (at >= 0) {
			seen[at] = true;
			compare(p, it, &t->column[at], m, o, where);
		} else if (t->exists) {
			plan_add(p, it, o, where);
		} else {
			make_new(p, it, o);
		}
	}
	if (p->n > 0)
		look_for_missing(p, t, seen, o, where);
	if (p->n > 1600 || t->ncolumns + p->nadd > 1600)
		fault(p, mem_fmt("a table has at most 1600 columns, this one "
		    "would have %zu", t->exists ? t->ncolumns + p->nadd :
		    p->n));
	plan_names_free(name);
	free(seen);
}

static void
free_lines(char **line, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(line[i]);
	free(line);
}

void
plan_release(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->item[i].name);
	free(p->item);
	free_lines(p->fault, p->nfaults);
	free_lines(p->note, p->nnotes);
	free_lines(p->rename, p->nrenames);
	memset(p, 0, sizeof(*p));
}
