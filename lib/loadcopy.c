/*
 * COPY from S3 by Redshift, and whether it has loaded all.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"

/* Why COPY can not read from S3, by the words of S3 and Redshift, and what is
 * to be done. */
static const struct {
	const char *text, *mend;
} access_faults[] = {
	{"must be addressed using the specified endpoint",
	    " (set 'region' to that of the bucket)"},
	{"is not authorized to assume IAM Role",
	    " (attach the role to the cluster; it must trust "
	    "redshift.amazonaws.com)"},
	{"default IAM role is not set",
	    " (set one for the cluster, or name it by --iam-role)"},
	{"InvalidAccessKeyId", " (check 'aws_access_key')"},
	{"SignatureDoesNotMatch", " (check 'aws_secret_key')"},
	{"ExpiredToken", " (get a new 'aws_session_token')"},
	{"AccessDenied", " (the keys or the role need s3:GetObject and "
	    "s3:ListBucket there)"},
};

static int
copy_trouble(struct load *l)
{
	size_t i, n = sizeof(access_faults) / sizeof(access_faults[0]);
	char *what;

	for (i = 0; i < n; i++)
		if (strstr(pg_text(l->pg), access_faults[i].text) != NULL)
			break;
	what = mem_fmt("load the staged rows%s", i < n ?
	    access_faults[i].mend : "");
	load_trouble(l, what);
	free(what);
	if (!l->again)
		l->copying = mem_fmt("%s %s", pg_text(l->pg),
		    pg_detail(l->pg));
	return -1;
}

static int
copy(struct load *l, const char *sql)
{
	int64_t noticed;
	int rc;

	if (l->o->dry_run)
		return load_do(l, sql, "");
	msg_info("loading %zu file%s", l->m->nentries,
	    l->m->nentries == 1 ? "" : "s");
	l->loading = true;
	l->told = io_now_ms() - 4000;
	rc = pg_do(l->pg, sql);
	l->loading = false;
	loadwatch_end(l);
	if (rc != 0)
		return copy_trouble(l);
	noticed = pg_loaded(l->pg);
	return l->o->noload ? 0 : loadprove_copy(l, noticed);
}

/* What the manifest says, else what all the names of its files say: COPY
 * itself does not look at them. */
const char *
loadcopy_compression(const struct load *l)
{
	static const struct {
		const char *suffix, *name;
	} known[] = {
		{".gz", "gzip"}, {".zst", "zstd"}, {".bz2", "bzip2"},
		{".lzo", "lzop"},
	};
	const char *found = "none", *dot;
	size_t i, k;

	if (l->o->compression != NULL)
		return l->o->compression;
	if (l->m->compression != NULL)
		return l->m->compression;
	for (i = 0; i < l->m->nentries; i++) {
		dot = strrchr(l->m->entry[i].url, '.');
		for (k = 0; k < 4; k++)
			if (dot != NULL && strcmp(dot, known[k].suffix) == 0)
				break;
		if (k == 4 || (i > 0 && strcmp(found, known[k].name) != 0))
			return "none";
		found = known[k].name;
	}
	return found;
}

int
loadcopy_run(struct load *l, const char *schema, const char *table, bool noload)
{
	struct sql_copy c = {
		.schema = schema, .table = table, .plan = &l->plan,
		.manifest_url = l->o->manifest_url != NULL ?
		    l->o->manifest_url : l->m->manifest_url,
		.compression = loadcopy_compression(l),
		.null_string = l->m->null_string,
		.format = l->o->copy_format, .options = l->o->copy_options,
		.noload = noload,
		/* As many errors as this make COPY fail. */
		.max_errors = l->o->max_errors > 0 ?
		    (long)l->o->max_errors + 1 : 0,
	};
	struct buf b;
	int rc;

	/* COPY fails when it finds no file at all. */
	if (l->m->nentries == 0)
		return 0;
	buf_init(&b, SQL_MAX);
	rc = l->redshift ? sql_copy(&b, &c, &l->o->access) :
	    loadpg_copy(l, schema, table);
	if (rc == 0 && l->redshift)
		rc = copy(l, b.data);
	buf_wipe(&b);
	/* Not in a table that others append to: reading it would set two
	 * appends against each other. */
	if (rc == 0 && !noload && (schema == NULL || l->fresh ||
	    l->o->mode == LOAD_OVERWRITE))
		rc = loadprove_all(l, schema, table);
	return rc;
}

/* Have Redshift read the files and load nothing, by the types that the table
 * has or will have. */
int
loadcopy_try(struct load *l)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	sql_stage(&b, LOAD_STAGE, &l->plan);
	rc = load_do(l, b.data, "make a temporary table");
	if (rc == 0)
		rc = loadcopy_run(l, NULL, LOAD_STAGE, true);
	buf_release(&b);
	return rc;
}
