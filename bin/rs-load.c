/*
 * rs-load: the rows of a manifest into a Redshift table.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "aws.h"
#include "catalog.h"
#include "cfg.h"
#include "fate.h"
#include "io.h"
#include "load.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"
#include "name.h"
#include "num.h"
#include "opt.h"
#include "pg.h"
#include "table.h"

static const char usage[] =
"usage: rs-load [-a ACCOUNT | -j JOB] [-nqv] [MODE] [OPTION...] [SCHEMA.TABLE] "
"<manifest\n"
"       rs-load -L [-a ACCOUNT | -j JOB] [SCHEMA]\n"
"Load the rows of a manifest of s3-stage into a table, all or none.\n"
"MODE (default: what the job says, else --append):\n"
"      --create              a new table; status 3 if it exists\n"
"      --append              more rows\n"
"      --overwrite           in place of all rows\n"
"      --overwrite-by HOW    delete (default), swap or truncate\n"
"      --merge COL,...       in place of the rows with the same keys\n"
"      --replace-where COL   in place of the rows of the same day, region...\n"
"The table:\n"
"      --evolve add|none     add and widen columns, or refuse differences\n"
"      --round               decimals that do not fit may be rounded\n"
"      --varchar-headroom N  make new VARCHARs N percent wider\n"
"      --distkey COL  --diststyle STYLE  --sortkey COL,...\n"
"      --encode COL=ENC,...  the layout of a new table\n"
"      --ddl FILE            make it by this CREATE TABLE\n"
"COPY:\n"
"      --iam-role ARN,...    COPY by role, or 'default', not by keys\n"
"      --compression NAME    of the files, if the manifest does not say\n"
"      --copy-format TEXT    in place of CSV   --copy-options TEXT   more\n"
"      --manifest-url URL    where the manifest itself is on S3\n"
"The run:\n"
"  -n, --dry-run             print the statements, change nothing\n"
"      --noload              have Redshift check the files, load nothing\n"
"      --errors FILE         what COPY refused and why, as CSV\n"
"      --max-errors N        load all but at most N rows that are refused\n"
"      --rejects FILE        where these go, to be mended and staged again\n"
"      --ledger NAME|none    the table of runs (rs_writeback_runs)\n"
"      --again               append a run that the ledger has\n"
"      --retries N, --load-retries N  after conflicts, lost connections (5)\n"
"      --statement-timeout MS   --query-group NAME\n"
"      --target KIND         redshift, postgres or auto (default)\n"
"      --pre-sql SQL   --post-sql SQL   in the transaction, around the load\n"
"      --log-sql FILE        append all statements, without secrets\n"
"  -L, --list                the tables, as CSV\n"
"  -a, --account NAME   -j, --job NAME   -q, --quiet   -v, --verbose\n"
"  -h, --help   --version\n";

enum {FAILED = 1, MISUSE = 2, EXISTS = 3};

enum {
	OPT_CREATE = OPT_FIRST_OWN, OPT_APPEND, OPT_OVERWRITE, OPT_MERGE,
	OPT_REPLACE, OPT_ROUND, OPT_NOLOAD, OPT_AGAIN, OPT_ERRORS,
	OPT_LOG_SQL, OPT_MANIFEST_URL, OPT_COPY_FORMAT, OPT_COMPRESSION,
	OPT_DDL, OPT_REJECTS, OPT_RETRIES, OPT_KEY
};

/* Options with OPT_KEY are a key of the configuration with '-' for '_'. */
static const struct option longs[] = {
	OPT_COMMON_LONG,
	{"again", no_argument, NULL, OPT_AGAIN},
	{"append", no_argument, NULL, OPT_APPEND},
	{"compression", required_argument, NULL, OPT_COMPRESSION},
	{"copy-format", required_argument, NULL, OPT_COPY_FORMAT},
	{"copy-options", required_argument, NULL, OPT_KEY},
	{"create", no_argument, NULL, OPT_CREATE},
	{"distkey", required_argument, NULL, OPT_KEY},
	{"ddl", required_argument, NULL, OPT_DDL},
	{"diststyle", required_argument, NULL, OPT_KEY},
	{"dry-run", no_argument, NULL, 'n'},
	{"encode", required_argument, NULL, OPT_KEY},
	{"errors", required_argument, NULL, OPT_ERRORS},
	{"evolve", required_argument, NULL, OPT_KEY},
	{"iam-role", required_argument, NULL, OPT_KEY},
	{"ledger", required_argument, NULL, OPT_KEY},
	{"list", no_argument, NULL, 'L'},
	{"load-retries", required_argument, NULL, OPT_KEY},
	{"log-sql", required_argument, NULL, OPT_LOG_SQL},
	{"manifest-url", required_argument, NULL, OPT_MANIFEST_URL},
	{"max-errors", required_argument, NULL, OPT_KEY},
	{"merge", required_argument, NULL, OPT_MERGE},
	{"noload", no_argument, NULL, OPT_NOLOAD},
	{"overwrite", no_argument, NULL, OPT_OVERWRITE},
	{"overwrite-by", required_argument, NULL, OPT_KEY},
	{"post-sql", required_argument, NULL, OPT_KEY},
	{"pre-sql", required_argument, NULL, OPT_KEY},
	{"query-group", required_argument, NULL, OPT_KEY},
	{"rejects", required_argument, NULL, OPT_REJECTS},
	{"replace-where", required_argument, NULL, OPT_REPLACE},
	{"retries", required_argument, NULL, OPT_RETRIES},
	{"round", no_argument, NULL, OPT_ROUND},
	{"sortkey", required_argument, NULL, OPT_KEY},
	{"statement-timeout", required_argument, NULL, OPT_KEY},
	{"target", required_argument, NULL, OPT_KEY},
	{"varchar-headroom", required_argument, NULL, OPT_KEY},
	{NULL, 0, NULL, 0}
};
#define NLONGS (sizeof(longs) / sizeof(longs[0]))

struct args {
	struct opt opt;
	const char *key_value[NLONGS];	/* of the OPT_KEY options */
	const char *table;		/* or the schema of -L */
	const char *errors, *log, *ddl_file, *rejects, *retries;
	struct buf ddl;
	int mode;			/* OPT_..., 0: as the job says */
	bool list;
	struct load_opt o;
	char *schema_name, *table_name, *ledger_name;	/* ours, for o */
	char *region;
	struct aws_creds creds;
};

/* One of our own options. */
static void
take(struct args *a, int ch)
{
	switch (ch) {
	case OPT_CREATE:
	case OPT_APPEND:
	case OPT_OVERWRITE:
	case OPT_MERGE:
	case OPT_REPLACE:
		a->mode = ch;
		a->o.keys = optarg;
		break;
	case OPT_ROUND:
		a->o.plan.round = true;
		break;
	case OPT_NOLOAD:
		a->o.noload = true;
		break;
	case OPT_AGAIN:
		a->o.again = true;
		break;
	case OPT_ERRORS:
		a->errors = optarg;
		break;
	case OPT_DDL:
		a->ddl_file = optarg;
		break;
	case OPT_REJECTS:
		a->rejects = optarg;
		break;
	case OPT_LOG_SQL:
		a->log = optarg;
		break;
	case OPT_MANIFEST_URL:
		a->o.manifest_url = optarg;
		break;
	case OPT_COPY_FORMAT:
		a->o.copy_format = optarg;
		break;
	case OPT_COMPRESSION:
		a->o.compression = optarg;
		break;
	case OPT_RETRIES:
		a->retries = optarg;
		break;
	case OPT_KEY:
		a->key_value[a->opt.index] = optarg;
		break;
	case 'L':
		a->list = true;
		break;
	case 'n':
		a->o.dry_run = true;
		break;
	default:
		break;
	}
}

static int
parse(struct args *a, int argc, char *argv[])
{
	int ch;

	a->opt = (struct opt){.usage = usage, .letters = OPT_COMMON "Ln",
	    .longs = longs};
	while ((ch = opt_next(&a->opt, argc, argv)) >= 0)
		take(a, ch);
	if (ch == OPT_EXIT)
		return io_finish(a->opt.status);
	if (optind + 1 < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind + 1]);
	a->table = argv[optind];
	return -1;
}

/* The options that are keys outrank what is configured. */
static void
set_keys(struct cfg *c, const struct args *a)
{
	char *key, *p;
	size_t i;

	for (i = 0; i < NLONGS; i++) {
		if (a->key_value[i] == NULL)
			continue;
		key = mem_dup(longs[i].name);
		for (p = key; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		cfg_set(c, key, a->key_value[i]);
		free(key);
	}
	/* The key 'retries' is the driver's. */
	if (a->retries != NULL)
		cfg_set(c, "load_retries", a->retries);
}

static int
choose_mode(struct cfg *c, struct args *a)
{
	static const struct {
		int option;
		enum load_mode mode;
		const char *word, *key;
	} modes[] = {
		{OPT_CREATE, LOAD_CREATE, "create", NULL},
		{OPT_APPEND, LOAD_APPEND, "append", NULL},
		{OPT_OVERWRITE, LOAD_OVERWRITE, "overwrite", NULL},
		{OPT_MERGE, LOAD_MERGE, "merge", "merge_keys"},
		{OPT_REPLACE, LOAD_REPLACE, "replace", "replace_where"},
	};
	const char *operation, *word;
	size_t i, n = sizeof(modes) / sizeof(modes[0]);

	if (cfg_get(c, "operation_type", &operation) != 0 ||
	    cfg_get(c, "append_or_overwrite", &word) != 0)
		return -1;
	if (operation != NULL && strcmp(operation, "create") == 0)
		word = operation;
	else if (operation != NULL && strcmp(operation, "update") != 0)
		return msg_error("cannot use '%s' as 'operation_type': it is "
		    "create or update", operation);
	if (word == NULL)
		word = "append";
	for (i = 0; i < n; i++)
		if (a->mode != 0 ? a->mode == modes[i].option :
		    strcmp(word, modes[i].word) == 0)
			break;
	if (i == n)
		return msg_error("cannot use '%s' as 'append_or_overwrite': it "
		    "is append, overwrite, merge or replace", word);
	a->o.mode = modes[i].mode;
	if (modes[i].key != NULL && a->o.keys == NULL)
		return cfg_need(c, modes[i].key, &a->o.keys);
	return 0;
}

/* SCHEMA.TABLE of the command line; without, a job's custom name. */
static int
choose_table(struct cfg *c, struct args *a)
{
	const char *source, *custom, *schema;
	char *s = NULL, *t = NULL;
	int rc = 0;

	if (cfg_need(c, "schema_name", &schema) != 0 ||
	    cfg_get(c, "table_name_source", &source) != 0)
		return -1;
	if (a->table != NULL) {
		if (name_parse(a->table, &s, &t) != 0)
			return -1;
	} else if (source != NULL && strcmp(source, "custom_name") == 0) {
		if (cfg_need(c, "custom_table_name", &custom) != 0)
			return -1;
		t = mem_dup(custom);
	} else {
		return opt_usage(usage, "no table given; rs-tablename makes "
		    "its name, or set custom_table_name") - 3;
	}
	a->schema_name = name_fold(s != NULL ? s : schema, NAME_MAX_LEN);
	a->table_name = name_fold(t, NAME_MAX_LEN);
	if (name_check(a->schema_name, "schema name") != 0 ||
	    name_check(a->table_name, "table name") != 0)
		rc = -1;
	else if (*a->table_name == '#')
		rc = msg_error("cannot use '%s' as table name: to Redshift, "
		    "'#' at the begin means a temporary table", t);
	a->o.schema = a->schema_name;
	a->o.table = a->table_name;
	free(s);
	free(t);
	return rc;
}

/* By role, else by keys; in either case the region. */
static int
choose_access(struct cfg *c, struct args *a)
{
	struct sql_access *x = &a->o.access;

	if (cfg_get(c, "iam_role", &x->iam_role) != 0 ||
	    aws_region(c, &a->region) != FATE_OK)
		return -1;
	x->region = a->region;
	if (x->iam_role != NULL)
		return 0;
	if (aws_creds_get(c, &a->creds) != FATE_OK)
		return -1;
	x->access_key = a->creds.access_key;
	x->secret_key = a->creds.secret_key;
	x->session_token = a->creds.session_token;
	return 0;
}

/* One of the words, or an error that names them. */
static int
one_of(struct cfg *c, const char *key, const char *const *words,
    const char **out)
{
	struct buf b;
	size_t i;

	if (cfg_get(c, key, out) != 0)
		return -1;
	if (*out == NULL)
		return 0;
	buf_init(&b, 4096);
	for (i = 0; words[i] != NULL; i++) {
		if (strcasecmp(*out, words[i]) == 0)
			break;
		buf_addf(&b, "%s%s", i == 0 ? "" : ", ", words[i]);
	}
	if (words[i] == NULL)
		msg_error("cannot use '%s' as '%s': it is one of: %s", *out,
		    key, b.data);
	buf_release(&b);
	return words[i] != NULL ? 0 : -1;
}

/* The user's CREATE TABLE, without what ends it. */
static int
read_ddl(struct args *a)
{
	struct buf *b = &a->ddl;

	if (a->ddl_file == NULL)
		return 0;
	buf_init(b, SQL_MAX);
	if (io_slurp_file(a->ddl_file, b, false) != 0)
		return -1;
	if (memchr(b->data, '\0', b->len) != NULL)
		return msg_error("cannot use '%s': it holds a NUL byte",
		    a->ddl_file);
	while (b->len > 0 && strchr("; \t\r\n", b->data[b->len - 1]) != NULL)
		b->data[--b->len] = '\0';
	if (b->len == 0)
		return msg_error("cannot use '%s': it is empty", a->ddl_file);
	a->o.ddl = b->data;
	return 0;
}

static int
choose_rest(struct cfg *c, struct args *a)
{
	static const char *const bys[] = {"delete", "swap", "truncate", NULL};
	static const char *const evolves[] = {"add", "none", NULL};
	static const char *const styles[] = {"auto", "even", "key", "all",
		NULL};
	struct load_opt *o = &a->o;
	int64_t headroom = 0, timeout = -1;
	static const char *const targets[] = {"auto", "redshift", "postgres",
		NULL};
	const char *evolve, *ledger, *by, *target;

	o->retries = 5;
	if (read_ddl(a) != 0 || one_of(c, "overwrite_by", bys, &by) != 0 ||
	    cfg_get(c, "encode", &o->layout.encode) != 0)
		return -1;
	if (one_of(c, "target", targets, &target) != 0)
		return -1;
	o->target = strcasecmp(target, "redshift") == 0 ? LOAD_REDSHIFT :
	    strcasecmp(target, "postgres") == 0 ? LOAD_POSTGRES : LOAD_ANY;
	o->by = strcasecmp(by, "swap") == 0 ? LOAD_BY_SWAP :
	    strcasecmp(by, "truncate") == 0 ? LOAD_BY_TRUNCATE :
	    LOAD_BY_DELETE;
	if (one_of(c, "evolve", evolves, &evolve) != 0 ||
	    one_of(c, "diststyle", styles, &o->layout.diststyle) != 0 ||
	    cfg_get(c, "distkey", &o->layout.distkey) != 0 ||
	    cfg_get(c, "sortkey", &o->layout.sortkey) != 0 ||
	    cfg_get(c, "copy_options", &o->copy_options) != 0 ||
	    cfg_get(c, "query_group", &o->query_group) != 0 ||
	    cfg_get(c, "pre_sql", &o->pre_sql) != 0 ||
	    cfg_get(c, "post_sql", &o->post_sql) != 0 ||
	    cfg_get(c, "statement_timeout", &o->statement_timeout) != 0 ||
	    cfg_int(c, "statement_timeout", 0, INT32_MAX, &timeout) != 0 ||
	    cfg_int(c, "varchar_headroom", 0, 10000, &headroom) != 0 ||
	    cfg_int(c, "load_retries", 0, 100, &o->retries) != 0 ||
	    cfg_int(c, "max_errors", 0, 99999, &o->max_errors) != 0 ||
	    cfg_get(c, "ledger", &ledger) != 0)
		return -1;
	if (o->max_errors > 0 && a->rejects == NULL)
		return msg_error("cannot let rows be refused without a place "
		    "for them: give --rejects FILE");
	o->cfg = c;
	o->plan.add = o->plan.widen = true;
	o->plan.exact = evolve != NULL && strcasecmp(evolve, "none") == 0;
	o->plan.headroom = (int)headroom;
	if (ledger != NULL && strcmp(ledger, "none") != 0) {
		a->ledger_name = name_fold(ledger, NAME_MAX_LEN);
		o->ledger = a->ledger_name;
	}
	return 0;
}

static int
open_file(const char *path, const char *mode, FILE **f)
{
	if (path != NULL && (*f = fopen(path, mode)) == NULL)
		return msg_errno("cannot open '%s'", path);
	return 0;
}

static int
close_file(const char *path, FILE *f)
{
	if (f != NULL && fclose(f) != 0)
		return msg_errno("cannot write '%s'", path);
	return 0;
}

/* One line of result, with a header. */
static void
print_result(const struct args *a, const struct manifest *m,
    const struct load_result *r, long long ms)
{
	const char *head[] = {"table", "mode", "result", "rows", "removed",
		"files", "rejected", "seconds", "run_id"}, *row[9];
	char *cell[6];
	struct buf b;
	size_t i;

	cell[0] = name_format(a->o.schema, a->o.table);
	cell[1] = mem_fmt("%lld", (long long)r->rows);
	cell[2] = mem_fmt("%lld", (long long)r->removed);
	cell[3] = mem_fmt("%zu", m->nentries);
	cell[4] = mem_fmt("%lld", (long long)r->rejected);
	cell[5] = mem_fmt("%lld.%lld", ms / 1000, ms % 1000 / 100);
	row[0] = cell[0];
	row[1] = r->mode;
	row[2] = a->o.noload ? "checked" : r->repeated ? "repeated" : "loaded";
	for (i = 1; i < 6; i++)
		row[i + 2] = cell[i];
	row[8] = m->run_id;
	buf_init(&b, TABLE_MAX);
	table_put_row(&b, 9, head);
	table_put_row(&b, 9, row);
	fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	for (i = 0; i < 6; i++)
		free(cell[i]);
}

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

/* So that the server is told to stop: it would go on with COPY until it
 * notices that nobody listens. A signal that is ignored stays so. */
static void
catch_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction sa = {.sa_handler = on_signal}, old;
	size_t i;

	for (i = 0; i < 3; i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
}

static int
load(struct args *a, struct pg_conf *conf, const struct manifest *m)
{
	long long start = io_now_ms();
	struct load_result r;
	enum fate f;

	a->o.stop = &caught;
	if (load_check(m, &a->o) != 0)
		return FAILED;
	if (open_file(a->errors, "w", &a->o.errors) != 0 ||
	    open_file(a->o.max_errors > 0 ? a->rejects : NULL, "w",
	    &a->o.rejects) != 0 ||
	    open_file(a->log, "a", &a->o.log) != 0)
		return MISUSE;
	catch_signals();
	f = load_run(conf, m, &a->o, &r);
	if (f == FATE_OK && !a->o.dry_run)
		print_result(a, m, &r, io_now_ms() - start);
	if (close_file(a->errors, a->o.errors) != 0 ||
	    close_file(a->rejects, a->o.rejects) != 0 ||
	    close_file(a->log, a->o.log) != 0)
		return FAILED;
	return r.exists ? EXISTS : fate_status(f);
}

static int
do_load(struct cfg *c, struct args *a)
{
	struct pg_conf *conf;
	struct manifest m;
	enum fate f;
	int rc;

	if (choose_mode(c, a) != 0 || choose_table(c, a) != 0 ||
	    choose_access(c, a) != 0 || choose_rest(c, a) != 0)
		return MISUSE;
	/* To its end, before the database is asked for anything. */
	manifest_init(&m);
	rc = manifest_read(STDIN_FILENO, "standard input", &m);
	if (rc != 0) {
		rc = FAILED;
	} else if ((f = pg_conf_new(c, &conf)) != FATE_OK) {
		rc = fate_status(f);
	} else {
		rc = load(a, conf, &m);
		pg_conf_free(conf);
	}
	manifest_release(&m);
	return rc;
}

static int
do_list(struct cfg *c, const char *schema)
{
	char *folded = schema != NULL ? name_fold(schema, NAME_MAX_LEN) : NULL;
	struct pg_conf *conf;
	struct pg *pg;
	struct buf b;
	enum fate f;

	buf_init(&b, TABLE_MAX);
	if ((f = pg_conf_new(c, &conf)) == FATE_OK) {
		f = pg_open(conf, PACKAGE_NAME " rs-load", &pg);
		if (f == FATE_OK && catalog_list(pg, folded, &b) != 0)
			f = pg_lost(pg) ? FATE_AGAIN : FATE_FAILED;
		pg_close(pg);
		pg_conf_free(conf);
	}
	if (f == FATE_OK)
		fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	free(folded);
	return fate_status(f);
}

/* Nothing is left to do: die of the signal, as others expect it. */
static void
obey_signal(void)
{
	if (caught == 0)
		return;
	signal(caught, SIG_DFL);
	raise(caught);
}

int
main(int argc, char *argv[])
{
	struct args a = {.mode = 0};
	struct cfg *c;
	int rc;

	io_start();
	msg_init(argv[0]);
	if ((rc = parse(&a, argc, argv)) >= 0)
		return rc;
	if (cfg_open(a.opt.account, a.opt.job, &c) != 0)
		return MISUSE;
	set_keys(c, &a);
	rc = a.list ? do_list(c, a.table) : do_load(c, &a);
	aws_creds_release(&a.creds);
	buf_release(&a.ddl);
	free(a.region);
	free(a.schema_name);
	free(a.table_name);
	free(a.ledger_name);
	cfg_free(c);
	if (rc != 0)
		obey_signal();
	return io_finish(rc);
}
