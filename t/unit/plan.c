/* lib/plan.c: names of columns, and what a table needs to take the input. */
#include "config.h"

#include "mem.h"
#include "plan.h"
#include "sql.h"
#include "tap.h"

#include <stdlib.h>

static struct manifest_column *
column(struct manifest *m, const char *name, const char *base, int length,
    int precision, int scale)
{
	struct manifest_column *c = manifest_add_column(m, name, base);

	c->max_length = length;
	c->precision = precision;
	c->scale = scale;
	return c;
}

static void
names(void)
{
	static const char *const in[] = {
		"Id", "ID", "id_2", "", "oid", "OID_", "a\tb", "id", "xmin",
		"\303\204", "a.b \"c\"", NULL
	};
	static const char *const want[] = {
		"id", "id_3", "id_2", "column_4", "oid_", "oid__2", "a_b",
		"id_4", "xmin_", "\303\204", "a.b \"c\"", NULL
	};
	char **got, x127[200];
	struct manifest m;
	size_t i;

	manifest_init(&m);
	for (i = 0; in[i] != NULL; i++)
		column(&m, in[i], "bigint", -1, -1, -1);
	got = plan_names(&m, 127);
	for (i = 0; in[i] != NULL; i++)
		is(got[i], want[i], in[i]);
	ok(got[i] == NULL, "and no more");
	plan_names_free(got);
	manifest_release(&m);

	memset(x127, 'x', 130);
	x127[130] = '\0';
	manifest_init(&m);
	column(&m, x127, "bigint", -1, -1, -1);
	column(&m, x127, "bigint", -1, -1, -1);
	got = plan_names(&m, 127);
	ok(strlen(got[0]) == 127 && strlen(got[1]) == 127 &&
	    strcmp(got[1] + 125, "_2") == 0, "cut names get a number too");
	plan_names_free(got);
	manifest_release(&m);
}

static bool
has(char **line, size_t n, const char *piece)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strstr(line[i], piece) != NULL)
			return true;
	for (i = 0; i < n; i++)
		printf("#   %s\n", line[i]);
	return false;
}

/* The input has what the table has, and more, and less. */
static void
differences(void)
{
	struct plan_opt opt = {.add = true, .widen = true};
	struct plan_table t = {.exists = true, .kind = 'r'};
	struct manifest m;
	struct plan p;

	manifest_init(&m);
	m.record_count = 10;
	column(&m, "Amount", "numeric", -1, 9, 2)->max_bytes = 10;
	column(&m, "Text", "character varying", 20, -1, -1)->max_bytes = 18;
	column(&m, "New", "date", -1, -1, -1);
	plan_table_add(&t, "text", "character varying", 10, -1, -1);
	plan_table_add(&t, "AMOUNT", "numeric", -1, 18, 2);
	plan_table_add(&t, "old", "bigint", -1, -1, -1);

	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.n == 3 && p.nfaults == 0, "no faults");
	is(p.item[0].name, "AMOUNT", "the table's own spelling");
	ok(p.item[0].action == PLAN_KEEP && p.item[0].type.precision == 18,
	    "a column that fits, in another place");
	ok(p.item[1].action == PLAN_WIDEN && p.item[1].was == 10 &&
	    p.item[1].type.length == 20 && p.nwiden == 1, "one to widen");
	ok(p.item[2].action == PLAN_ADD && p.nadd == 1, "one to add");
	ok(p.nnotes == 1 && has(p.note, p.nnotes, "'old' is not in the input"),
	    "one that the input lacks");
	plan_release(&p);

	opt.exact = true;
	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.nfaults == 3, "--evolve=none: all are faults");
	ok(has(p.fault, p.nfaults, "ALTER TABLE s.t ADD COLUMN \"new\" DATE"),
	    "with the ALTER for a new one");
	ok(has(p.fault, p.nfaults,
	    "ALTER TABLE s.t ALTER COLUMN \"text\" TYPE VARCHAR(20)"),
	    "and for a wider one");
	plan_release(&p);
	opt.exact = false;
	opt.headroom = 50;
	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.item[1].type.length == 30, "headroom");
	plan_release(&p);
	plan_table_release(&t);
	manifest_release(&m);
}

static void
faults(void)
{
	struct plan_opt opt = {.add = true, .widen = true};
	struct plan_table t = {.exists = true, .kind = 'r'};
	struct manifest m;
	struct plan p;

	manifest_init(&m);
	m.record_count = 10;
	column(&m, "a", "numeric", -1, 9, 4)->max_bytes = 10;
	column(&m, "b", "timestamp", -1, -1, -1)->nulls = 10;
	column(&m, "c", "bigint", -1, -1, -1)->nulls = 3;
	column(&m, "d", "bigint", -1, -1, -1);
	column(&m, "e", "json", -1, -1, -1);
	plan_table_add(&t, "a", "numeric", -1, 9, 2);
	plan_table_add(&t, "b", "boolean", -1, -1, -1);
	plan_table_add(&t, "c", "bigint", -1, -1, -1)->not_null = true;
	plan_table_add(&t, "d", "bigint", -1, -1, -1)->identity = true;
	plan_table_add(&t, "f", "bigint", -1, -1, -1)->not_null = true;
	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.nfaults == 5, "five faults in one report");
	ok(has(p.fault, p.nfaults, "column 'a' is NUMERIC(9,2), but its values "
	    "have up to 4 decimals"), "decimals that would be lost");
	ok(!has(p.fault, p.nfaults, "column 'b'"), "only NULLs fit anywhere");
	ok(has(p.fault, p.nfaults, "'c' is NOT NULL, but 3 of its values"),
	    "NULLs for NOT NULL");
	ok(has(p.fault, p.nfaults, "'d' is an IDENTITY"), "an identity");
	ok(has(p.fault, p.nfaults, "there is no type 'json'"), "no such type");
	ok(has(p.fault, p.nfaults, "'f' is not in the input, but it is NOT "
	    "NULL"), "NOT NULL without a value");
	plan_release(&p);
	opt.round = true;
	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.nfaults == 4, "--round");
	plan_release(&p);
	plan_table_release(&t);
	manifest_release(&m);
}

static void
new_table(void)
{
	struct plan_opt opt = {.headroom = 10};
	struct plan_table t = {.exists = false};
	struct manifest m;
	struct plan p;
	struct buf b;

	manifest_init(&m);
	column(&m, "A", "character varying", 0, -1, -1);
	column(&m, "B", "character varying", 65000, -1, -1);
	column(&m, "C", "numeric", -1, 38, 10);
	plan_make(&p, &m, &t, &opt, "s.t");
	ok(p.nfaults == 0 && p.nadd == 0, "a new table has no differences");
	buf_init(&b, SQL_MAX);
	sql_create(&b, "s", "t", &p, NULL);
	is(b.data, "CREATE TABLE \"s\".\"t\" (\"a\" VARCHAR(1), \"b\" "
	    "VARCHAR(65535), \"c\" NUMERIC(38,10))", "its types");
	buf_release(&b);
	plan_release(&p);
	manifest_release(&m);
}

int
main(void)
{
	names();
	differences();
	faults();
	new_table();
	return done();
}
