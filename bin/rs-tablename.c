/*
 * rs-tablename: the name of the table that a DataSet goes to, by the
 * connector's three sources and its counter.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "name.h"
#include "num.h"
#include "opt.h"
#include "table.h"

static const char usage[] =
"usage: rs-tablename [-a ACCOUNT | -j JOB] [-nu] [-c NAME] [-e EXISTING.csv] "
"[-m SOURCE] [-s SCHEMA]\n"
"Read the CSV of `domo-cat -i`, print the name of the DataSet's table.\n"
"  -m, --source SOURCE   dataset_id, dataset_name or custom_name (key\n"
"                        table_name_source; with -c: custom_name)\n"
"  -c, --custom NAME     the name for custom_name (key custom_table_name);\n"
"                        standard input is then not read\n"
"  -s, --schema SCHEMA   the schema (key schema_name)\n"
"  -n, --new             a new table: the name, '_' and the next counter (the\n"
"                        default if operation_type is create)\n"
"  -u, --update          the table without a counter\n"
"  -e, --existing FILE   with -n: the tables that there are, as `rs-load -L`\n"
"                        lists them\n"
"  -a, --account NAME    use [account NAME]    -j, --job NAME   use [job NAME]\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

/* Exit statuses that steps return beside 0. */
enum {FAILED = 1, MISUSE = 2};

struct want {
	const char *source, *custom, *schema, *existing;
	int is_new;	/* -1: as the job says */
};

/* What the options leave open comes from the configuration. */
static int
complete(struct cfg *c, struct want *w)
{
	const char *operation;

	if (w->source == NULL && w->custom != NULL)
		w->source = "custom_name";
	if ((w->source == NULL &&
	    cfg_need(c, "table_name_source", &w->source) != 0) ||
	    (w->schema == NULL && cfg_need(c, "schema_name", &w->schema) != 0) ||
	    cfg_get(c, "operation_type", &operation) != 0)
		return -1;
	if (strcmp(w->source, "custom_name") == 0) {
		if (w->custom == NULL &&
		    cfg_need(c, "custom_table_name", &w->custom) != 0)
			return -1;
	} else if (strcmp(w->source, "dataset_id") != 0 &&
	    strcmp(w->source, "dataset_name") != 0) {
		return msg_error("cannot use '%s' as 'table_name_source': it "
		    "is dataset_id, dataset_name or custom_name", w->source);
	}
	if (w->is_new < 0)
		w->is_new = operation != NULL &&
		    strcmp(operation, "create") == 0;
	return 0;
}

/* The name in the words of its source, freed by the caller; NULL if there is
 * none (said). */
static char *
source_name(const struct want *w)
{
	const char *value = NULL;
	struct table t = {0};
	char *name = NULL;
	int col;

	if (strcmp(w->source, "custom_name") == 0)
		return mem_dup(w->custom);
	if (table_read(&t, STDIN_FILENO, "standard input") == 0 &&
	    (col = table_need(&t, strcmp(w->source, "dataset_id") == 0 ? "id" :
	    "name", "standard input")) >= 0) {
		if (t.nrows != 1)
			msg_error("cannot read 'standard input': it describes "
			    "%zu DataSets, not one", t.nrows);
		else if ((value = table_get(&t, 0, (size_t)col)) == NULL ||
		    *value == '\0')
			msg_error("cannot name the table: the DataSet has no "
			    "%s", t.name[col]);
		else
			name = mem_dup(value);
	}
	table_release(&t);
	return name;
}

/* base_N, the base cut so that all fits; freed by the caller. */
static char *
numbered(const char *base, int64_t n)
{
	char *tail = mem_fmt("_%lld", (long long)n), *cut, *name;

	cut = name_fold(base, NAME_MAX_LEN - strlen(tail));
	name = mem_fmt("%s%s", cut, tail);
	free(cut);
	free(tail);
	return name;
}

/* The counter in an existing name of this base, 0 if it is another's. */
static int64_t
counter_of(const char *name, const char *base)
{
	const char *tail = strrchr(name, '_');
	int64_t n = 0;
	char *s;

	if (tail == NULL || num_parse(tail + 1, 1, INT64_MAX - 1, &n) != 0)
		return 0;
	s = numbered(base, n);
	if (strcmp(s, name) != 0)
		n = 0;
	free(s);
	return n;
}

/* The highest counter of the base among the schema's tables. */
static int
highest(const struct want *w, const char *schema, const char *base,
    int64_t *max)
{
	const char *name, *in;
	struct table t = {0};
	int cs, ct, rc = -1;
	int64_t n;
	size_t i;
	char *s;

	*max = 0;
	if (w->existing == NULL)
		return 0;
	if (table_read_file(&t, w->existing) == 0 &&
	    (cs = table_need(&t, "schema_name", w->existing)) >= 0 &&
	    (ct = table_need(&t, "table_name", w->existing)) >= 0) {
		for (i = 0; i < t.nrows; i++) {
			in = table_get(&t, i, (size_t)cs);
			name = table_get(&t, i, (size_t)ct);
			if (in == NULL || name == NULL)
				continue;
			s = name_fold(in, NAME_MAX_LEN);
			n = strcmp(s, schema) == 0 ? counter_of(name, base) : 0;
			free(s);
			if (n > *max)
				*max = n;
		}
		rc = 0;
	}
	table_release(&t);
	return rc;
}

static int
print_name(const struct want *w)
{
	char *source, *schema, *name, *text;
	int64_t max;
	int rc = FAILED;

	if ((source = source_name(w)) == NULL)
		return FAILED;
	schema = name_fold(w->schema, NAME_MAX_LEN);
	name = name_fold(source, NAME_MAX_LEN);
	if (name_check(source, "table name") != 0 ||
	    name_check(schema, "schema name") != 0)
		goto out;
	/* Such a table would be gone at the end of the session. */
	if (*name == '#') {
		msg_error("cannot use '%s' as table name: to Redshift, '#' at "
		    "the begin means a temporary table; choose another by "
		    "'custom_table_name'", source);
		goto out;
	}
	if (w->is_new) {
		if (highest(w, schema, name, &max) != 0)
			goto out;
		free(name);
		name = numbered(source, max + 1);
	}
	text = name_format(schema, name);
	puts(text);
	free(text);
	rc = 0;
out:
	free(name);
	free(schema);
	free(source);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"custom", required_argument, NULL, 'c'},
		{"existing", required_argument, NULL, 'e'},
		{"new", no_argument, NULL, 'n'},
		{"schema", required_argument, NULL, 's'},
		{"source", required_argument, NULL, 'm'},
		{"update", no_argument, NULL, 'u'},
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = OPT_COMMON "c:e:m:ns:u",
	    .longs = longs};
	struct want w = {.is_new = -1};
	struct cfg *c;
	int ch, rc;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0)
		if (ch == 'c')
			w.custom = optarg;
		else if (ch == 'e')
			w.existing = optarg;
		else if (ch == 'm')
			w.source = optarg;
		else if (ch == 'n' || ch == 'u')
			w.is_new = ch == 'n';
		else
			w.schema = optarg;
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (optind < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind]);
	if (cfg_open(o.account, o.job, &c) != 0)
		return MISUSE;
	rc = complete(c, &w) == 0 ? print_name(&w) : MISUSE;
	cfg_free(c);
	return io_finish(rc);
}
