/*
 * s3-stage: CSV on stdin becomes objects on S3, and a manifest on stdout.
 * This file has the options and the order of the steps: the objects first,
 * then the manifest beside them, then the manifest printed; or nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cfg.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "opt.h"
#include "stageopt.h"
#include "stagetype.h"
#include "table.h"

#define MANIFEST_MAX (64 * 1024 * 1024)	/* what manifest_read() takes */

static const char usage[] =
"usage: s3-stage [-a ACCOUNT | -j JOB] [-t SCHEMA] [-i INFO] [-en]"
" [s3://BUCKET[/PREFIX]] <CSV >MANIFEST\n"
"Check CSV, compress it, upload it, and print a manifest for COPY.\n"
"  -a, --account NAME    use [account NAME]\n"
"  -j, --job NAME        use [job NAME] and the account it names\n"
"  -t, --types FILE      CSV name,type: the columns' types (domo-cat -S)\n"
"  -i, --info FILE       CSV about the DataSet (domo-cat -i)\n"
"  -e, --no-final-newline  the last row may lack its newline\n"
"  -n, --dry-run         check and measure, upload nothing\n"
"      --run-id ID       part of the objects' names; default: a random UUID\n"
"      --compress KIND   gzip, zstd or none\n"
"      --level N         of the compression\n"
"      --jobs N          threads that check and compress\n"
"      --uploads N       uploads at a time, at most\n"
"      --part-size SIZE  CSV bytes an object has, about (16M)\n"
"      --slices N        make a multiple of N objects\n"
"      --delimiter C     one character, or tab\n"
"      --quote C         one character, or none\n"
"      --no-header       the first row is data\n"
"      --null-in TEXT    an unquoted field equal to it is NULL too\n"
"      --null-string TEXT  how NULL is staged (\\N)\n"
"      --invalid-utf8 replace  bad bytes become U+FFFD\n"
"      --long-fields truncate  fields are cut to 65535 bytes\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

/* Long options that are keys of the configuration, by getopt's value. */
enum {OPT_RUN_ID = OPT_FIRST_OWN, OPT_NO_HEADER, OPT_SETTING};
static const char *const settings[] = {
	"compress", "level", "jobs", "uploads", "part_size", "slices",
	"delimiter", "quote", "null_in", "null_string", "invalid_utf8",
	"long_fields",
};
#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

struct args {
	struct opt opt;
	const char *types, *info, *run_id, *to;
	const char *setting[NSETTINGS];
	bool no_newline, no_header, dry_run;
};

/* What the steps hand on. */
struct work {
	struct cfg *cfg;
	struct s3 *s3;
	struct stage_opt opt;
	struct stage *stage;
	struct stagetype types;
	struct manifest m;
	char *bucket, *prefix, *place, *run_id, *tags;
	char uuid[37];
	struct buf text;
};

static atomic_bool halt;
static atomic_int caught;
static int wake[2];

static void
on_signal(int sig)
{
	atomic_store(&caught, sig);
	atomic_store(&halt, true);
	if (write(wake[1], "", 1) < 0)
		return;
}

/* The first signal ends the work and removes what was staged; a second one
 * ends the program at once. */
static int
catch_signals(void)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction sa = {.sa_handler = on_signal,
	    .sa_flags = (int)SA_RESETHAND}, old;
	size_t i;

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return msg_errno("cannot make a pipe");
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		sigaction(sigs[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)	/* nohup's */
			sigaction(sigs[i], &sa, NULL);
	}
	return 0;
}

/* What was staged is removed; now end as others expect it of a signal. */
static int
die_of(int sig)
{
	msg_error("stopped by %s; what was staged is removed",
	    sig == SIGINT ? "interrupt" : "a signal");
	signal(sig, SIG_DFL);
	raise(sig);
	return 1;
}

static void
make_uuid(char out[37])
{
	unsigned char r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		abort();
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3], r[4], r[5],
	    r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

/* Where to: the argument, else the keys; the run's own directory in it. */
static int
get_place(struct work *w, const struct args *a)
{
	const char *bucket, *prefix, *p;
	size_t n;

	if (a->to != NULL) {
		p = strncmp(a->to, "s3://", 5) == 0 ? a->to + 5 : "";
		n = strcspn(p, "/");
		w->bucket = mem_ndup(p, n);
		prefix = p[n] == '/' ? p + n + 1 : "";
		if (n == 0)
			return opt_usage(usage, "'%s' is not "
			    "s3://BUCKET/PREFIX", a->to);
	} else {
		if (cfg_need(w->cfg, "bucket", &bucket) != 0)
			return 2;
		w->bucket = mem_dup(bucket);
		prefix = "";
	}
	if (*prefix == '\0' && cfg_get(w->cfg, "prefix", &prefix) != 0)
		return 2;
	prefix += strspn(prefix, "/");
	n = strlen(prefix);
	while (n > 0 && prefix[n - 1] == '/')
		n--;
	w->prefix = mem_fmt("%.*s%s%s", (int)n, prefix, n > 0 ? "/" : "",
	    w->run_id);
	return 0;
}

static int
get_run_id(struct work *w, const struct args *a)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (a->run_id == NULL) {
		make_uuid(w->uuid);
		w->run_id = mem_dup(w->uuid);
		return 0;
	}
	if (*a->run_id == '\0' || strlen(a->run_id) > 200 ||
	    a->run_id[strspn(a->run_id, plain)] != '\0' ||
	    strcmp(a->run_id, ".") == 0 || strcmp(a->run_id, "..") == 0)
		return opt_usage(usage, "a run id has letters, digits, '.', "
		    "'_' and '-' only");
	w->run_id = mem_dup(a->run_id);
	return 0;
}

/* s3_tags with the run's id in the place of {run_id}. */
static int
get_tags(struct work *w)
{
	const char *v, *p;

	if (cfg_get(w->cfg, "s3_tags", &v) != 0)
		return -1;
	if (v == NULL)
		return 0;
	p = strstr(v, "{run_id}");
	w->tags = p == NULL ? mem_dup(v) : mem_fmt("%.*s%s%s", (int)(p - v),
	    v, w->run_id, p + 8);
	if (w->tags[strcspn(w->tags, " \r\n\t")] != '\0')
		return msg_error("cannot use 's3_tags': it has a blank in it; "
		    "write it as in an address: a=1&b=2");
	return 0;
}

static char *
cell(const struct table *t, const char *name)
{
	int col = table_find(t, name);

	return col >= 0 ? mem_dup(table_get(t, 0, (size_t)col)) : NULL;
}

/* What `domo-cat -i` told of the DataSet. */
static int
get_info(struct work *w, const char *path)
{
	struct table t;
	char *rows;
	int64_t n;
	int rc;

	memset(&t, 0, sizeof(t));
	rc = table_read_file(&t, path);
	if (rc == 0 && (t.nrows != 1 || table_find(&t, "id") < 0))
		rc = msg_error("cannot use '%s': it is not one row with a "
		    "column 'id', as 'domo-cat -i' prints it", path);
	if (rc == 0) {
		w->m.dataset_id = cell(&t, "id");
		w->m.dataset_name = cell(&t, "name");
		w->m.data_time = cell(&t, "data_current_at");
		rows = cell(&t, "rows");
		if (rows != NULL && num_parse(rows, 0, INT64_MAX, &n) == 0) {
			w->m.dataset_rows = n;
			w->opt.rows_expected = (uint64_t)n;
		}
		free(rows);
	}
	table_release(&t);
	return rc;
}

/* All that must be right before the first byte is read. 0 or an exit
 * status. */
static int
prepare(struct work *w, const struct args *a)
{
	enum fate fate;
	size_t i;
	int rc;

	if (cfg_open(a->opt.account, a->opt.job, &w->cfg) != 0)
		return 2;
	for (i = 0; i < NSETTINGS; i++)
		if (a->setting[i] != NULL)
			cfg_set(w->cfg, settings[i], a->setting[i]);
	if (a->no_header)
		cfg_set(w->cfg, "header", "no");
	if ((rc = get_run_id(w, a)) != 0 || (rc = get_place(w, a)) != 0)
		return rc;
	if (stageopt_read(w->cfg, &w->opt) != 0 || get_tags(w) != 0)
		return 2;
	if (a->info != NULL && get_info(w, a->info) != 0)
		return 2;
	fate = s3_open(w->cfg, &w->s3);
	if (fate != FATE_OK)
		return fate_status(fate);
	w->opt.s3 = w->s3;
	w->opt.bucket = w->bucket;
	w->opt.prefix = w->prefix;
	w->opt.tags = w->tags;
	w->opt.no_newline = a->no_newline;
	w->opt.dry_run = a->dry_run;
	w->opt.halt = &halt;
	memcpy(w->opt.wake, wake, sizeof(wake));
	return 0;
}

static void
tell_lenient(const struct scan *p)
{
	if (p->replaced > 0)
		msg_warn("%llu bytes were no UTF-8, and became U+FFFD",
		    (unsigned long long)p->replaced);
	if (p->truncated > 0)
		msg_warn("%llu fields were longer than they may be, and were "
		    "cut", (unsigned long long)p->truncated);
}

/* The steps. After a failure nothing was printed, or only a part, which no
 * reader takes for a manifest. */
static enum fate
run(struct work *w)
{
	enum fate fate = stage_run(w->stage);

	if (fate != FATE_OK)
		return fate;
	w->m.run_id = mem_dup(w->run_id);
	w->m.manifest_url = mem_fmt("s3://%s/%s/manifest.json", w->bucket,
	    w->prefix);
	w->m.compression = mem_dup(codec_name(w->opt.codec));
	w->m.null_string = mem_dup(w->opt.scan.null_string);
	w->m.source_bytes = (int64_t)stage_bytes_in(w->stage);
	stage_fill(w->stage, &w->m);
	if (stagetype_columns(&w->types, w->stage, &w->m) != 0 ||
	    manifest_write(&w->m, &w->text) != 0)
		return FATE_FAILED;
	fate = stage_put(w->stage, "manifest.json", w->text.data,
	    w->text.len);
	if (fate != FATE_OK)
		return fate;
	tell_lenient(stage_profile(w->stage));
	if (io_write_full(STDOUT_FILENO, w->text.data, w->text.len) != 0) {
		msg_errno("cannot write the manifest");
		return FATE_FAILED;
	}
	return FATE_OK;
}

/* From the first byte to the exit status. */
static int
go(struct work *w, const struct args *a)
{
	enum fate fate;
	int status;

	fate = stage_open(&w->opt, STDIN_FILENO, &w->stage);
	if (fate == FATE_OK && a->types != NULL) {
		if (stagetype_read(&w->types, a->types, w->stage) != 0)
			fate = FATE_CONFIG;
		stage_types(w->stage, w->types.scan);
	} else if (fate == FATE_OK && stage_check_header(w->stage) != 0) {
		fate = FATE_FAILED;
	}
	if (fate == FATE_OK)
		fate = run(w);
	status = io_finish(fate_status(fate));
	if (status != 0 && w->stage != NULL)
		stage_remove(w->stage);
	else if (status == 0)
		msg_info("staged %lld rows, %llu bytes as %lld, in %zu objects "
		    "below 's3://%s/%s/'", (long long)w->m.record_count,
		    (unsigned long long)stage_bytes_in(w->stage),
		    (long long)w->m.content_length, w->m.nentries, w->bucket,
		    w->prefix);
	return status;
}

static void
release(struct work *w)
{
	stage_free(w->stage);
	s3_free(w->s3);
	cfg_free(w->cfg);
	manifest_release(&w->m);
	buf_release(&w->text);
	stagetype_release(&w->types);
	free(w->bucket);
	free(w->prefix);
	free(w->run_id);
	free(w->tags);
}

static const struct option longs[] = {
	OPT_COMMON_LONG,
	{"types", required_argument, NULL, 't'},
	{"info", required_argument, NULL, 'i'},
	{"no-final-newline", no_argument, NULL, 'e'},
	{"dry-run", no_argument, NULL, 'n'},
	{"run-id", required_argument, NULL, OPT_RUN_ID},
	{"no-header", no_argument, NULL, OPT_NO_HEADER},
	{"compress", required_argument, NULL, OPT_SETTING + 0},
	{"level", required_argument, NULL, OPT_SETTING + 1},
	{"jobs", required_argument, NULL, OPT_SETTING + 2},
	{"uploads", required_argument, NULL, OPT_SETTING + 3},
	{"part-size", required_argument, NULL, OPT_SETTING + 4},
	{"slices", required_argument, NULL, OPT_SETTING + 5},
	{"delimiter", required_argument, NULL, OPT_SETTING + 6},
	{"quote", required_argument, NULL, OPT_SETTING + 7},
	{"null-in", required_argument, NULL, OPT_SETTING + 8},
	{"null-string", required_argument, NULL, OPT_SETTING + 9},
	{"invalid-utf8", required_argument, NULL, OPT_SETTING + 10},
	{"long-fields", required_argument, NULL, OPT_SETTING + 11},
	{NULL, 0, NULL, 0}
};

/* -1 to go on, or an exit status. */
static int
parse(int argc, char *argv[], struct args *a)
{
	int ch;

	a->opt = (struct opt){.usage = usage, .letters = OPT_COMMON "t:i:en",
	    .longs = longs};
	while ((ch = opt_next(&a->opt, argc, argv)) >= 0)
		if (ch == 't')
			a->types = optarg;
		else if (ch == 'i')
			a->info = optarg;
		else if (ch == 'e')
			a->no_newline = true;
		else if (ch == 'n')
			a->dry_run = true;
		else if (ch == OPT_NO_HEADER)
			a->no_header = true;
		else if (ch == OPT_RUN_ID)
			a->run_id = optarg;
		else
			a->setting[ch - OPT_SETTING] = optarg;
	if (ch == OPT_EXIT)
		return a->opt.status;
	if (argc - optind > 1)
		return opt_usage(usage, "too many arguments");
	a->to = argv[optind];
	return -1;
}

int
main(int argc, char *argv[])
{
	struct args a = {.no_newline = false};
	struct work w = {.cfg = NULL};
	int status;

	io_start();
	msg_init(argv[0]);
	status = parse(argc, argv, &a);
	if (status >= 0)
		return io_finish(status);
	if (catch_signals() != 0)
		return 1;
	manifest_init(&w.m);
	buf_init(&w.text, MANIFEST_MAX);
	status = prepare(&w, &a);
	if (status == 0)
		status = go(&w, &a);
	release(&w);
	if (atomic_load(&caught) != 0 && status != 0)
		return die_of(atomic_load(&caught));
	return status;
}
