/*
 * s3-unstage: delete what a manifest lists, then the manifest itself, and
 * nothing else.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "io.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"
#include "s3.h"

static const char usage[] =
"usage: s3-unstage [-a ACCOUNT | -j JOB] <MANIFEST\n"
"Delete the objects that a manifest lists, and the manifest on S3.\n"
"  -a, --account NAME  use [account NAME]\n"
"  -j, --job NAME      use [job NAME] and the account it names\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

/* Delete the keys that were gathered, all of one bucket. */
static enum fate
flush(struct s3 *s3, struct http *h, const char *bucket, char **key,
    size_t *n)
{
	enum fate fate = FATE_OK;

	if (*n > 0)
		fate = s3_delete(s3, h, bucket, (const char *const *)key, *n);
	while (*n > 0)
		free(key[--*n]);
	return fate;
}

/* The entries, in runs of one bucket. */
static enum fate
delete_entries(struct s3 *s3, struct http *h, const struct manifest *m)
{
	char **key = mem_zero(m->nentries + 1, sizeof(*key));
	char *bucket = NULL, *b, *k;
	enum fate fate = FATE_OK, one;
	size_t i, n = 0;

	for (i = 0; i < m->nentries; i++) {
		/* manifest_read() has checked it. */
		if (manifest_split_url(m->entry[i].url, &b, &k) != 0)
			continue;
		if (bucket == NULL || strcmp(b, bucket) != 0) {
			one = flush(s3, h, bucket, key, &n);
			if (one != FATE_OK)
				fate = one;
			free(bucket);
			bucket = b;
		} else {
			free(b);
		}
		key[n++] = k;
	}
	one = flush(s3, h, bucket, key, &n);
	if (one != FATE_OK)
		fate = one;
	free(bucket);
	free(key);
	return fate;
}

static enum fate
delete_manifest(struct s3 *s3, struct http *h, const char *url)
{
	char *bucket, *key;
	enum fate fate;

	if (url == NULL)	/* one that nobody stored */
		return FATE_OK;
	if (manifest_split_url(url, &bucket, &key) != 0) {
		msg_error("cannot delete the manifest '%s': it is not "
		    "s3://BUCKET/KEY", url);
		return FATE_FAILED;
	}
	fate = s3_delete(s3, h, bucket, (const char *const *)&key, 1);
	free(bucket);
	free(key);
	return fate;
}

static int
run(const struct opt *o)
{
	struct cfg *cfg = NULL;
	struct s3 *s3 = NULL;
	struct http *h = NULL;
	struct manifest m;
	enum fate fate = FATE_CONFIG;

	manifest_init(&m);
	if (cfg_open(o->account, o->job, &cfg) != 0 ||
	    (fate = s3_open(cfg, &s3)) != FATE_OK)
		goto out;
	fate = FATE_FAILED;
	if (manifest_read(STDIN_FILENO, "standard input", &m) != 0)
		goto out;
	h = s3_http(s3);
	fate = delete_entries(s3, h, &m);
	/* Last: as long as it is there, it can be tried again. */
	if (fate == FATE_OK)
		fate = delete_manifest(s3, h, m.manifest_url);
	if (fate == FATE_OK)
		msg_info("deleted %zu objects%s", m.nentries,
		    m.manifest_url != NULL ? " and their manifest" : "");
out:
	http_free(h);
	manifest_release(&m);
	s3_free(s3);
	cfg_free(cfg);
	return io_finish(fate_status(fate));
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = OPT_COMMON,
	    .longs = longs};

	io_start();
	msg_init(argv[0]);
	if (opt_next(&o, argc, argv) == OPT_EXIT)	/* it has none of its own */
		return io_finish(o.status);
	if (optind < argc)
		return opt_usage(usage, "the manifest is read from standard "
		    "input, so there is no argument '%s'", argv[optind]);
	return run(&o);
}
