/*
 * s3-cat: the rows that a manifest lists, back as CSV with their header. The
 * last newline is held back until all is proven to have come.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "fetch.h"
#include "held.h"
#include "io.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "opt.h"
#include "table.h"
#include "unstage.h"

/* What one piece of 256 KiB becomes at most, when every field of it is
 * empty or NULL; and a field that began before it. */
#define OUT_MAX ((size_t)64 * 1024 * 1024)

static const char usage[] =
"usage: s3-cat [-a ACCOUNT | -j JOB] [-n] [-r] [--null TEXT] <MANIFEST >CSV\n"
"Print the rows that a manifest lists, as CSV.\n"
"  -a, --account NAME  use [account NAME]\n"
"  -j, --job NAME      use [job NAME] and the account it names\n"
"  -n, --no-header     rows only\n"
"  -r, --raw           the bytes as they are staged, decompressed; no header\n"
"      --null TEXT     how NULL is printed; default: an empty field, while\n"
"                      the empty string is \"\"\n"
"      --ahead N       objects that are fetched at a time (4)\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

struct args {
	struct opt opt;
	const char *null;
	int64_t ahead;
	bool raw, no_header;
};

struct work {
	const struct manifest *m;
	bool raw;
	struct held held;
	struct unstage un;
	struct buf out;
	uint64_t before;	/* rows before the entry in work */
};

static int
lost(void)
{
	return msg_errno("cannot write the output");
}

static int
end_of_entry(struct work *w, const struct manifest_entry *e)
{
	uint64_t rows = w->un.rows - w->before;

	w->before = w->un.rows;
	if (w->raw)
		return 0;
	if (unstage_end(&w->un) != 0)
		return msg_error("cannot trust '%s': its last row is not "
		    "whole", e->url);
	if (e->record_count != MANIFEST_UNKNOWN &&
	    (uint64_t)e->record_count != rows)
		return msg_error("cannot trust '%s': it has %llu rows, but "
		    "the manifest says %lld", e->url,
		    (unsigned long long)rows, (long long)e->record_count);
	return 0;
}

static int
put(void *arg, size_t entry, const char *p, size_t n)
{
	struct work *w = arg;
	const struct manifest_entry *e = &w->m->entry[entry];

	if (n == 0)
		return end_of_entry(w, e);
	if (w->raw)
		return io_write_full(STDOUT_FILENO, p, n) == 0 ? 0 : lost();
	buf_reset(&w->out);
	if (unstage_add(&w->un, p, n, &w->out) != 0)
		return msg_error("cannot read '%s': it is not CSV as s3-stage "
		    "writes it; --raw prints it as it is", e->url);
	return held_write(&w->held, w->out.data, w->out.len) == 0 ? 0 :
	    lost();
}

static int
put_header(struct work *w)
{
	const char **name = mem_zero(w->m->ncolumns + 1, sizeof(*name));
	size_t i;
	int rc;

	for (i = 0; i < w->m->ncolumns; i++)
		name[i] = w->m->column[i].name;
	rc = table_put_row(&w->out, w->m->ncolumns, name);
	free(name);
	if (rc != 0)
		return msg_error("cannot print the header: it is too long");
	return held_write(&w->held, w->out.data, w->out.len) == 0 ? 0 :
	    lost();
}

static enum fate
cat(struct s3 *s3, const struct manifest *m, const struct args *a)
{
	static atomic_bool halt;
	struct work w = {.m = m, .raw = a->raw};
	enum fate fate = FATE_FAILED;

	held_init(&w.held, STDOUT_FILENO);
	unstage_init(&w.un, m->null_string != NULL ? m->null_string : "\\N",
	    a->null);
	buf_init(&w.out, OUT_MAX);
	if (a->raw || a->no_header || put_header(&w) == 0)
		fate = fetch_run(s3, m, (int)a->ahead, &halt, put, &w);
	if (fate == FATE_OK && !a->raw &&
	    (!a->no_header || w.un.rows > 0) && held_release(&w.held) != 0) {
		lost();
		fate = FATE_FAILED;
	}
	held_free(&w.held);
	unstage_release(&w.un);
	buf_release(&w.out);
	return fate;
}

static int
run(const struct args *a)
{
	struct cfg *cfg = NULL;
	struct s3 *s3 = NULL;
	struct manifest m;
	enum fate fate = FATE_CONFIG;

	manifest_init(&m);
	if (cfg_open(a->opt.account, a->opt.job, &cfg) != 0 ||
	    (fate = s3_open(cfg, &s3)) != FATE_OK)
		goto out;
	fate = FATE_FAILED;
	if (manifest_read(STDIN_FILENO, "standard input", &m) != 0)
		goto out;
	if (m.ncolumns == 0 && !a->raw && !a->no_header)
		msg_error("cannot print a header: the manifest has no "
		    "schema; use --no-header or --raw");
	else
		fate = cat(s3, &m, a);
out:
	manifest_release(&m);
	s3_free(s3);
	cfg_free(cfg);
	return io_finish(fate_status(fate));
}

int
main(int argc, char *argv[])
{
	enum {OPT_NULL = OPT_FIRST_OWN, OPT_AHEAD};
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"no-header", no_argument, NULL, 'n'},
		{"raw", no_argument, NULL, 'r'},
		{"null", required_argument, NULL, OPT_NULL},
		{"ahead", required_argument, NULL, OPT_AHEAD},
		{NULL, 0, NULL, 0}
	};
	struct args a = {.null = "", .ahead = 4,
	    .opt = {.usage = usage, .letters = OPT_COMMON "nr",
	    .longs = longs}};
	int ch;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&a.opt, argc, argv)) >= 0)
		if (ch == 'n')
			a.no_header = true;
		else if (ch == 'r')
			a.raw = true;
		else if (ch == OPT_NULL)
			a.null = optarg;
		else if (num_parse(optarg, 1, 64, &a.ahead) != 0)
			return opt_usage(usage, "--ahead takes a number from "
			    "1 to 64");
	if (ch == OPT_EXIT)
		return io_finish(a.opt.status);
	if (optind < argc)
		return opt_usage(usage, "the manifest is read from standard "
		    "input, so there is no argument '%s'", argv[optind]);
	if (a.null[strcspn(a.null, ",\"\r\n")] != '\0')
		return opt_usage(usage, "--null takes a text without commas, "
		    "quotes and newlines");
	return run(&a);
}
