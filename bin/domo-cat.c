/*
 * domo-cat: a Domo DataSet as CSV on stdout, or what Domo knows about it.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cfg.h"
#include "domo.h"
#include "domo_export.h"
#include "domo_meta.h"
#include "held.h"
#include "io.h"
#include "msg.h"
#include "opt.h"
#include "table.h"

static const char usage[] =
"usage: domo-cat [-a ACCOUNT | -j JOB] [-S | -i | -l [PATTERN]] [DATASET]\n"
"Write a Domo DataSet to stdout as CSV: whole, or cut in the middle of a\n"
"record and with an exit status that is not 0. DATASET is an id, the address\n"
"of a DataSet's page, or name:EXACT NAME; the default is the job's dataset_id.\n"
"  -a, --account NAME    use [account NAME]\n"
"  -j, --job NAME        use [job NAME] and the account it names\n"
"  -S, --schema          its columns as CSV: name,type\n"
"  -i, --info            what Domo knows about it, a CSV header and one line\n"
"      --as-of INFO      status 75 if it was updated since -i wrote INFO\n"
"  -l, --list            the same for all DataSets (with PATTERN in the name)\n"
"      --columns A,B,C   only these columns, in this order\n"
"      --where SQL       only these rows\n"
"      --since-column A  only rows whose column A is greater\n"
"      --since VALUE     than VALUE\n"
"      --limit N         at most N rows\n"
"      --count HOW       the rows there must be: by rows (the metadata), query\n"
"                        (SELECT COUNT(*)) or none (no proof)\n"
"      --formulas HOW    texts like =1 or -: raw, escaped (with a ' before), or\n"
"                        default (as Domo does)\n"
"      --unescape        take the ' away again\n"
"      --spool           to a file in $TMPDIR first, so that an export that\n"
"                        breaks off can be tried again\n"
"      --tries N         attempts in all (6)\n"
"      --idle-timeout T  give up after so long without a byte (5m)\n"
"      --cacert FILE     trust these CA certificates, not the system's\n"
"      --no-gzip         do not ask for compression\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

enum {
	COLUMNS = OPT_FIRST_OWN, WHERE, SINCE_COLUMN, SINCE, LIMIT, COUNT,
	FORMULAS, UNESCAPE, SPOOL, TRIES, IDLE_TIMEOUT, CACERT, NO_GZIP,
	AS_OF	/* no key */
};

/* The keys that they set, in their order; the value of those without an
 * argument. */
static const struct {
	const char *key, *value;
} settings[] = {
	{"domo_columns", NULL}, {"domo_where", NULL},
	{"domo_since_column", NULL}, {"domo_since", NULL},
	{"domo_limit", NULL}, {"domo_count", NULL}, {"domo_formulas", NULL},
	{"domo_unescape", "yes"}, {"domo_spool", "yes"}, {"domo_tries", NULL},
	{"domo_idle_timeout", NULL}, {"domo_cacert", NULL},
	{"domo_gzip", "no"},
};
#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

/* The exit status of a result; what was to be done, for the message. */
static int
finish(struct domo *d, enum domo_result res, const char *doing,
    const char *subject)
{
	if (res != DOMO_OK && *domo_why(d) != '\0')
		msg_error("cannot %s '%s': %s", doing, subject, domo_why(d));
	return res == DOMO_OK ? 0 : res == DOMO_AGAIN ? 75 : 1;
}

static int
print(struct held *out, const struct buf *b)
{
	if (held_write(out, b->data, b->len) != 0)
		return msg_errno("cannot write the output");
	return 0;
}

/* One DataSet's line of -l. */
static int
print_line(void *arg, const struct domo_meta *m)
{
	struct buf b;
	int rc;

	buf_init(&b, TABLE_MAX);
	rc = domo_meta_put(&b, m);
	if (rc != 0)
		msg_error("cannot list '%s': its line is too long", m->id);
	else
		rc = print(arg, &b);
	buf_release(&b);
	return rc;
}

static int
list(struct domo *d, const char *pattern)
{
	enum domo_result res = DOMO_FAILED;
	struct held out;
	struct buf b;

	buf_init(&b, TABLE_MAX);
	held_init(&out, STDOUT_FILENO);
	if (domo_meta_put_header(&b) == 0 && print(&out, &b) == 0)
		res = domo_meta_list(d, pattern, print_line, &out);
	if (res == DOMO_OK && held_release(&out) != 0) {
		msg_errno("cannot write the output");
		res = DOMO_FAILED;
	}
	held_free(&out);
	buf_release(&b);
	return finish(d, res, "list the DataSets of", domo_url(d));
}

/* -S or -i: made whole before it is printed, and cut as visibly as an export
 * if this process is killed meanwhile. */
static int
describe(const struct domo_meta *m, bool schema)
{
	struct held out;
	struct buf b;
	int rc;

	held_init(&out, STDOUT_FILENO);
	buf_init(&b, TABLE_MAX);
	if (schema)
		rc = domo_meta_put_schema(&b, m);
	else
		rc = domo_meta_put_header(&b) != 0 ? -1 : domo_meta_put(&b, m);
	if (rc != 0)
		msg_error("cannot describe '%s': it is too long", m->id);
	else if ((rc = print(&out, &b)) == 0 && (rc = held_release(&out)) != 0)
		msg_errno("cannot write the output");
	held_free(&out);
	buf_release(&b);
	return rc == 0 ? 0 : 1;
}

/* What to do with one DataSet: 'S', 'i', or 0 for the export. */
static int
work(struct domo *d, const char *dataset, const struct domo_export_opt *o,
    int what)
{
	enum domo_result res;
	struct domo_meta m = {0};
	char *id;
	int rc;

	res = domo_meta_find(d, dataset, &id);
	if (res == DOMO_OK)
		res = domo_meta_get(d, id, &m);
	if (res == DOMO_OK && what != 0)
		res = domo_export_describe(d, &m, o);
	if (res != DOMO_OK) {
		rc = finish(d, res, "look up", dataset);
	} else if (what != 0) {
		rc = describe(&m, what == 'S');
	} else {
		if (domo_meta_has_pdp(&m))
			msg_warn("DataSet '%s' has PDP on: rows that the "
			    "client's owner may not see do not come", dataset);
		rc = finish(d, domo_export_run(d, &m, o, STDOUT_FILENO),
		    "export", dataset);
	}
	domo_meta_release(&m);
	free(id);
	return rc;
}

static int
one_of(struct cfg *c, const char *key, const char *const words[], int *out)
{
	const char *s;
	int i;

	if (cfg_need(c, key, &s) != 0)
		return -1;
	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0) {
			*out = i;
			return 0;
		}
	return msg_error("cannot use '%s' as '%s': it is one of %s, %s, %s", s,
	    key, words[0], words[1], words[2]);
}

static int
read_export_opt(struct cfg *c, struct domo_export_opt *o)
{
	static const char *const counts[] = {"rows", "query", "none", NULL};
	static const char *const formulas[] = {"raw", "escaped", "default",
		NULL};
	struct domo_select *s = &o->select;
	int count, formula;

	s->limit = -1;
	if (one_of(c, "domo_count", counts, &count) != 0 ||
	    one_of(c, "domo_formulas", formulas, &formula) != 0 ||
	    cfg_bool(c, "domo_unescape", &o->unescape) != 0 ||
	    cfg_bool(c, "domo_spool", &o->spool) != 0 ||
	    cfg_get(c, "domo_columns", &s->columns) != 0 ||
	    cfg_get(c, "domo_where", &s->where) != 0 ||
	    cfg_get(c, "domo_since_column", &s->since_column) != 0 ||
	    cfg_get(c, "domo_since", &s->since) != 0 ||
	    cfg_int(c, "domo_limit", 0, INT64_MAX, &s->limit) != 0)
		return -1;
	o->count = (enum domo_export_count)count;
	o->formulas = (enum domo_export_formulas)formula;
	if (s->since != NULL && s->since_column == NULL)
		return msg_error("cannot use 'domo_since' without "
		    "'domo_since_column': set both, or neither");
	return 0;
}

static int
run(struct cfg *c, int what, const char *as_of, const char *arg)
{
	struct domo_export_opt o = {0};
	struct domo_meta then = {0};
	struct domo *d;
	int rc;

	if (what != 'l' && arg == NULL && cfg_need(c, "dataset_id", &arg) != 0)
		return 2;
	if (what != 'l' && !domo_meta_is_dataset(arg)) {
		msg_error("cannot use '%s' as a DataSet: give an id, the "
		    "address of its page, or name:EXACT NAME", arg);
		return 2;
	}
	if (as_of != NULL) {
		if (domo_meta_read(&then, as_of) != 0)
			return 1;
		o.as_of = &then;
	}
	if (read_export_opt(c, &o) != 0 || domo_open(c, &d) != 0) {
		domo_meta_release(&then);
		return 2;
	}
	/* A stage that is killed must not wait for us, nor we for Domo. */
	domo_watch(d, STDOUT_FILENO);
	rc = what == 'l' ? list(d, arg) : work(d, arg, &o, what);
	domo_free(d);
	domo_meta_release(&then);
	return rc;
}

static const struct option longs[] = {
	OPT_COMMON_LONG,
	{"schema", no_argument, NULL, 'S'},
	{"info", no_argument, NULL, 'i'},
	{"list", no_argument, NULL, 'l'},
	{"as-of", required_argument, NULL, AS_OF},
	{"columns", required_argument, NULL, COLUMNS},
	{"where", required_argument, NULL, WHERE},
	{"since-column", required_argument, NULL, SINCE_COLUMN},
	{"since", required_argument, NULL, SINCE},
	{"limit", required_argument, NULL, LIMIT},
	{"count", required_argument, NULL, COUNT},
	{"formulas", required_argument, NULL, FORMULAS},
	{"unescape", no_argument, NULL, UNESCAPE},
	{"spool", no_argument, NULL, SPOOL},
	{"tries", required_argument, NULL, TRIES},
	{"idle-timeout", required_argument, NULL, IDLE_TIMEOUT},
	{"cacert", required_argument, NULL, CACERT},
	{"no-gzip", no_argument, NULL, NO_GZIP},
	{NULL, 0, NULL, 0}
};

int
main(int argc, char *argv[])
{
	struct opt o = {.usage = usage, .letters = OPT_COMMON "Sil",
	    .longs = longs};
	const char *given[NSETTINGS] = {NULL}, *as_of = NULL;
	struct cfg *c;
	int ch, what = 0, rc;
	size_t i;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0) {
		if (ch == 'S' || ch == 'i' || ch == 'l') {
			if (what != 0 && what != ch)
				return opt_usage(usage,
				    "only one of -S, -i, -l");
			what = ch;
		} else if (ch == AS_OF) {
			as_of = optarg;
		} else {
			i = (size_t)(ch - OPT_FIRST_OWN);
			given[i] = optarg != NULL ? optarg : settings[i].value;
		}
	}
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (argc - optind > 1)
		return opt_usage(usage, "more than one DataSet");
	if (cfg_open(o.account, o.job, &c) != 0)
		return 2;
	for (i = 0; i < NSETTINGS; i++)
		if (given[i] != NULL)
			cfg_set(c, settings[i].key, given[i]);
	rc = run(c, what, as_of, argv[optind]);
	cfg_free(c);
	return io_finish(rc);
}
