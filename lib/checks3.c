/*
 * The bucket, and COPY from it into the database. All that is put there is
 * deleted again, all that is loaded rolled back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws.h"
#include "cfg.h"
#include "check.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"
#include "pg.h"
#include "s3.h"
#include "sql.h"

static const char row[] = "checked\n";

struct bucket {
	struct s3 *s3;
	struct http *http;
	const char *name;
	char *region;		/* the configured one */
	char *prefix;		/* a directory of this check alone */
	char *probe, *part, *manifest;	/* keys */
	const char *iam_role;	/* or NULL */
};

static int
count(void *arg, const char *key, int64_t size)
{
	(void)key;
	(void)size;
	++*(int *)arg;
	return 0;
}

static int
take(void *arg, const char *p, size_t n)
{
	return buf_add(arg, p, n);
}

static enum fate
put(struct bucket *b, const char *key, const char *p, size_t n)
{
	struct s3_object o = {.bucket = b->name, .key = key, .body = p,
	    .len = n, .type = "text/csv"};

	return s3_put(b->s3, b->http, &o);
}

static enum fate
list(struct bucket *b, int *n)
{
	*n = 0;
	return s3_list(b->s3, b->http, b->name, b->prefix, count, n);
}

/* Who we are and where the bucket is, out of what S3 says to a list. Whether
 * it may be listed is another link. */
static const char *
check_place(struct bucket *b)
{
	const char *broken;
	bool listed;
	int n;

	check_listen();
	listed = list(b, &n) == FATE_OK;
	if (!listed && (check_heard("InvalidAccessKeyId") ||
	    check_heard("SignatureDoesNotMatch") ||
	    check_heard("ExpiredToken") || check_heard("InvalidToken"))) {
		broken = check_bad("aws keys", "S3 does not take those of %s",
		    s3_source(b->s3));
		check_skip("bucket", broken);
		check_skip("bucket region", broken);
		return broken;
	}
	check_ok("aws keys", "%s", s3_source(b->s3));
	if (!listed && !check_heard("AccessDenied") &&
	    strcmp(s3_region(b->s3), b->region) == 0) {
		broken = check_heard("NoSuchBucket") ? check_bad("bucket",
		    "make the bucket, or check its name") : check_bad("bucket",
		    "check bucket, region and s3_endpoint_url; may this "
		    "machine use HTTPS, by https_proxy if it needs one?");
		check_skip("bucket region", broken);
		return broken;
	}
	check_ok("bucket", "'%s'", b->name);
	if (strcmp(s3_region(b->s3), b->region) == 0) {
		check_ok("bucket region", "'%s'", b->region);
		return NULL;
	}
	check_listen();
	msg_error("the bucket is in '%s', not in '%s'", s3_region(b->s3),
	    b->region);
	return check_bad("bucket region", "set region = %s: COPY does not "
	    "find it by itself", s3_region(b->s3));
}

/* What the policy must allow, and on what. */
static const char *
bad_right(const struct bucket *b, const char *link, const char *action)
{
	return check_bad(link, "the policy of these keys must allow s3:%s on "
	    "arn:aws:s3:::%s%s", action, b->name,
	    strcmp(link, "list") == 0 ? "" : "/*");
}

static const char *
check_get(struct bucket *b)
{
	struct buf back;
	uint64_t size;
	bool good;

	check_listen();
	buf_init(&back, 1024);
	good = s3_get(b->s3, b->http, b->name, b->probe, take, &back,
	    &size) == FATE_OK;
	if (good && strcmp(back.data, row) != 0) {
		msg_error("other bytes came back than were put");
		good = false;
	}
	buf_release(&back);
	if (!good)
		return bad_right(b, "get", "GetObject");
	check_ok("get", "the same bytes came back");
	return NULL;
}

static const char *
check_list(struct bucket *b, int expected)
{
	int n = 0;

	check_listen();
	if (list(b, &n) == FATE_OK && n == expected) {
		check_ok("list", "below '%s'", b->prefix);
		return NULL;
	}
	if (!check_heard("cannot"))
		msg_error("what was put is not in the list");
	return bad_right(b, "list", "ListBucket");
}

static void
check_delete(struct bucket *b)
{
	const char *key = b->probe;

	check_listen();
	if (s3_delete(b->s3, b->http, b->name, &key, 1) != FATE_OK)
		bad_right(b, "delete", "DeleteObject");
	else
		check_ok("delete", "what was put");
}

/* The rights under the prefix. The name of a link without which COPY has no
 * chance, or NULL. */
static const char *
check_objects(struct bucket *b)
{
	const char *put_bad = NULL, *get_bad = NULL, *list_bad;

	check_listen();
	if (put(b, b->probe, row, sizeof(row) - 1) != FATE_OK)
		put_bad = bad_right(b, "put", "PutObject");
	else
		check_ok("put", "s3://%s/%s", b->name, b->probe);
	if (put_bad != NULL)
		check_skip("get", put_bad);
	else
		get_bad = check_get(b);
	list_bad = check_list(b, put_bad == NULL);
	if (put_bad != NULL)
		check_skip("delete", put_bad);
	else
		check_delete(b);
	if (put_bad == NULL && b->iam_role == NULL)
		return get_bad != NULL ? get_bad : list_bad;
	return put_bad;
}

/*
 * COPY.
 */

static enum fate
put_manifest(struct bucket *b, struct manifest *m)
{
	struct manifest_entry *e;
	struct manifest_column *col;
	struct buf text;
	enum fate f = FATE_FAILED;
	char *url = mem_fmt("s3://%s/%s", b->name, b->part);

	e = manifest_add_entry(m, url);
	e->content_length = sizeof(row) - 1;
	e->record_count = 1;
	m->content_length = e->content_length;
	m->record_count = 1;
	col = manifest_add_column(m, "a", "character varying");
	col->max_length = 8;
	m->manifest_url = mem_fmt("s3://%s/%s", b->name, b->manifest);
	buf_init(&text, 64 * 1024);
	if (manifest_write(m, &text) == 0)
		f = put(b, b->manifest, text.data, text.len);
	buf_release(&text);
	free(url);
	return f;
}

/* By role, else by keys, as rs-load does. */
static int
get_access(struct cfg *c, struct bucket *b, struct aws_creds *creds,
    struct sql_access *x)
{
	x->region = b->region;
	x->iam_role = b->iam_role;
	if (x->iam_role != NULL)
		return 0;
	if (aws_creds_get(c, creds) != FATE_OK)
		return -1;
	x->access_key = creds->access_key;
	x->secret_key = creds->secret_key;
	x->session_token = creds->session_token;
	return 0;
}

static int
run_copy(struct pg *db, const char *sql)
{
	PGresult *r;
	int rc = -1;

	if (pg_do(db, "BEGIN") != 0 || pg_do(db, "CREATE TEMP TABLE "
	    "rs_writeback_check (a VARCHAR(8))") != 0)
		pg_say(db, "cannot make a temporary table");
	else if (pg_do(db, sql) != 0)
		pg_say(db, "COPY failed");
	else if ((r = pg_query(db, "SELECT count(*) FROM "
	    "rs_writeback_check")) == NULL)
		pg_say(db, "the count failed");
	else {
		rc = strcmp(PQgetvalue(r, 0, 0), "1") == 0 ? 0 :
		    msg_error("COPY loaded %s rows, not 1",
		    PQgetvalue(r, 0, 0));
		PQclear(r);
	}
	pg_do(db, "ROLLBACK");
	return rc;
}

static void
judge_copy(const struct bucket *b, struct pg *db)
{
	if (check_heard("temporary table"))
		check_bad("copy", "an administrator must run: GRANT TEMP ON "
		    "DATABASE %s TO %s", pg_database(db), pg_user(db));
	else if (b->iam_role != NULL)
		check_bad("copy", "attach the role of iam_role to the "
		    "cluster; its policy must allow s3:GetObject and "
		    "s3:ListBucket on '%s'", b->name);
	else
		check_bad("copy", "the cluster must be able to reach S3 (a "
		    "gateway or VPC endpoint), and the bucket's policy must "
		    "allow these keys from there too");
}

static void
check_copy(struct cfg *c, struct pg *db, struct bucket *b)
{
	struct plan plan = {.nnotes = 0};
	struct aws_creds creds = {.access_key = NULL};
	struct sql_access x = {.region = NULL};
	struct sql_copy copy = {.table = "rs_writeback_check", .plan = &plan,
	    .compression = "none"};
	const char *keys[] = {b->part, b->manifest};
	struct manifest m;
	struct buf sql;

	check_listen();
	manifest_init(&m);
	buf_init(&sql, SQL_MAX);
	if (put(b, b->part, row, sizeof(row) - 1) == FATE_OK &&
	    put_manifest(b, &m) == FATE_OK &&
	    get_access(c, b, &creds, &x) == 0) {
		copy.manifest_url = m.manifest_url;
		pg_hide(db, x.secret_key);
		pg_hide(db, x.session_token);
		if (sql_copy(&sql, &copy, &x) == 0 &&
		    run_copy(db, sql.data) == 0)
			check_ok("copy", "one row into a temporary table, by "
			    "%s", b->iam_role != NULL ? b->iam_role :
			    "these keys");
		else
			judge_copy(b, db);
	} else {
		check_bad("copy", "%s", "");
	}
	/* Whether that is allowed was a link of its own. */
	s3_delete(b->s3, b->http, b->name, keys, 2);
	buf_wipe(&sql);
	aws_creds_release(&creds);
	manifest_release(&m);
}

static const char *
open_bucket(struct cfg *c, struct bucket *b)
{
	const char *prefix;

	check_listen();
	if (cfg_need(c, "bucket", &b->name) != 0 ||
	    cfg_get(c, "prefix", &prefix) != 0 ||
	    cfg_get(c, "iam_role", &b->iam_role) != 0)
		return check_bad("bucket", "%s", "");
	if (aws_region(c, &b->region) != FATE_OK ||
	    s3_open(c, &b->s3) != FATE_OK)
		return check_bad("aws keys", "see aws_access_key and "
		    "aws_profile in rs-writeback.conf(5)");
	b->http = s3_http(b->s3);
	b->prefix = mem_fmt("%s%scheck-%ld", prefix != NULL ? prefix : "",
	    prefix != NULL ? "/" : "", (long)getpid());
	b->probe = mem_fmt("%s/probe.csv", b->prefix);
	b->part = mem_fmt("%s/part-00000.csv", b->prefix);
	b->manifest = mem_fmt("%s/manifest.json", b->prefix);
	return NULL;
}

static void
close_bucket(struct bucket *b)
{
	http_free(b->http);
	s3_free(b->s3);
	free(b->region);
	free(b->prefix);
	free(b->probe);
	free(b->part);
	free(b->manifest);
}

void
check_bucket(struct cfg *c, struct pg *db, const char *broken)
{
	static const char *const rights[] = {"put", "get", "list", "delete"};
	struct bucket b = {.s3 = NULL};
	const char *bad;
	size_t i;

	if (!check_has(c, CHECK_BUCKET)) {
		check_note("bucket", "none is set: good for domo-cat and "
		    "ssh-fwd alone");
		return;
	}
	bad = open_bucket(c, &b);
	if (bad == NULL)
		bad = check_place(&b);
	if (bad == NULL)
		bad = check_objects(&b);
	else
		for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
			check_skip(rights[i], bad);
	if (bad == NULL && db != NULL)
		check_copy(c, db, &b);
	else
		check_skip("copy", bad != NULL ? bad : broken);
	close_bucket(&b);
}
