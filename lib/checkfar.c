/*
 * The links on the far side: the database, the bucket, and COPY from the one
 * to the other. All it makes is rolled back or deleted.
 */
#include "config.h"

#include <stdio.h>
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

static bool
heard(const char *word)
{
	return strstr(check_heard(), word) != NULL;
}

/* Which link is it that pg_open() could not pass? */
static int
judge_connect(void)
{
	if (heard("ertificate") || heard("SSL") || heard("sslmode"))
		return check_bad("database tls", "check certificate_format, "
		    "certificate and database_hostname");
	if (heard("closed the connection") || heard("refused; nothing") ||
	    heard("no answer") || heard("the way to it"))
		return check_bad("database", "check database_hostname and "
		    "database_port, and let the security group of the cluster "
		    "allow the bastion's (without one: this machine's) "
		    "address");
	check_ok("database tls", "the connection stands");
	return check_bad("database login", "check database_name, "
	    "database_username and database_password; it was tried once, "
	    "for Redshift locks a user after five");
}

static int
say_sql(const struct pg *db, const char *link, const char *todo)
{
	pg_say(db, "the statement failed");
	return check_bad(link, todo);
}

/* Make a table and a row as a load would, and take it all back. */
static int
check_rights(struct cfg *c, struct pg *db)
{
	const char *schema;
	char *todo, *name;
	struct buf b;
	int bad = 0;

	check_listen();
	if (cfg_need(c, "schema_name", &schema) != 0)
		return check_bad("create", "");
	name = mem_fmt("rs_writeback_check_%ld", (long)getpid());
	todo = mem_fmt("an owner of the schema must GRANT CREATE, USAGE ON "
	    "SCHEMA %s to the user; or set schema_name", schema);
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "CREATE TABLE ");
	sql_table(&b, schema, name);
	buf_adds(&b, " (a VARCHAR(8))");
	if (pg_do(db, "BEGIN") != 0 || pg_do(db, b.data) != 0) {
		bad = say_sql(db, "create", todo);
	} else {
		check_ok("create", "tables in schema '%s'", schema);
		buf_reset(&b);
		buf_adds(&b, "INSERT INTO ");
		sql_table(&b, schema, name);
		buf_adds(&b, " VALUES ('x')");
		if (pg_do(db, b.data) != 0)
			bad = say_sql(db, "insert", "");
		else
			check_ok("insert", "rows in a table there");
	}
	pg_do(db, "ROLLBACK");
	buf_release(&b);
	free(todo);
	free(name);
	return bad;
}

static int
check_database(struct cfg *c, struct pg_conf **conf, struct pg **db)
{
	const char *mode;

	check_listen();
	if (pg_conf_new(c, conf) != FATE_OK)
		return check_bad("database tls", "check the database_* keys "
		    "and the certificate");
	if (pg_open(*conf, PACKAGE_NAME " rs-check", db) != FATE_OK)
		return judge_connect();
	if (cfg_get(c, "database_sslmode", &mode) != 0 || mode == NULL)
		mode = "as the certificate says";
	check_ok("database tls", "%s", mode);
	check_ok("database login", "%s", pg_where(*conf));
	return check_rights(c, *db);
}

/*
 * The bucket.
 */

struct bucket {
	struct s3 *s3;
	struct http *http;
	const char *name;
	char *prefix;		/* a directory of this check alone */
	char *part, *manifest;	/* keys */
	bool stored;		/* there is something to delete */
};

static int
ignore(void *arg, const char *key, int64_t size)
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

static int
judge_bucket(struct bucket *b, const char *verb)
{
	char *todo = NULL;
	int bad;

	if (heard("NoSuchBucket"))
		bad = check_bad("bucket", "check bucket; it must be there, in "
		    "the region of the key region");
	else if (heard("SignatureDoesNotMatch"))
		bad = check_bad("bucket", "check aws_secret_key");
	else if (heard("InvalidAccessKeyId"))
		bad = check_bad("bucket", "check aws_access_key");
	else if (heard("403")) {
		todo = mem_fmt("the user's policy must allow s3:%s on "
		    "arn:aws:s3:::%s%s", verb, b->name, strcmp(verb,
		    "ListBucket") == 0 ? "" : "/*");
		bad = check_bad("bucket", todo);
	} else
		bad = check_bad("bucket", "check bucket, region and "
		    "s3_endpoint_url, and that this machine may use HTTPS");
	free(todo);
	return bad;
}

/* Put, get, list. */
static int
check_objects(struct bucket *b)
{
	struct buf back;
	uint64_t size;
	int n = 0, bad = 0;

	check_listen();
	if (put(b, b->part, row, sizeof(row) - 1) != FATE_OK)
		return judge_bucket(b, "PutObject");
	b->stored = true;
	check_ok("bucket", "'%s'", b->name);
	check_ok("put", "s3://%s/%s", b->name, b->part);
	buf_init(&back, 1024);
	check_listen();
	if (s3_get(b->s3, b->http, b->name, b->part, take, &back, &size) !=
	    FATE_OK || strcmp(back.data, row) != 0)
		bad += check_bad("get", "the policy must allow s3:GetObject: "
		    "COPY reads by these rights");
	else
		check_ok("get", "the same bytes came back");
	buf_release(&back);
	check_listen();
	if (s3_list(b->s3, b->http, b->name, b->prefix, ignore, &n) !=
	    FATE_OK || n == 0)
		bad += check_bad("list", "the policy must allow s3:ListBucket "
		    "on the bucket");
	else
		check_ok("list", "below '%s'", b->prefix);
	return bad;
}

static int
clean_bucket(struct bucket *b)
{
	const char *keys[2] = {b->part, b->manifest};

	check_listen();
	if (s3_delete(b->s3, b->http, b->name, keys, 2) != FATE_OK)
		return check_bad("delete", "the policy must allow "
		    "s3:DeleteObject; until then what is staged stays");
	check_ok("delete", "nothing of this check is left");
	return 0;
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
get_access(struct cfg *c, struct aws_creds *creds, char **region,
    struct sql_access *x)
{
	if (cfg_get(c, "iam_role", &x->iam_role) != 0 ||
	    aws_region(c, region) != FATE_OK)
		return -1;
	x->region = *region;
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
	    "rs_writeback_check (a VARCHAR(8))") != 0 || pg_do(db, sql) != 0)
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

static int
check_copy(struct cfg *c, struct pg *db, struct bucket *b)
{
	struct plan plan = {.nnotes = 0};
	struct aws_creds creds;
	struct sql_access x = {.region = NULL};
	struct sql_copy copy = {.table = "rs_writeback_check", .plan = &plan,
	    .compression = "none"};
	struct manifest m;
	char *region = NULL;
	struct buf sql;
	int bad = 0;

	check_listen();
	memset(&creds, 0, sizeof(creds));
	manifest_init(&m);
	buf_init(&sql, SQL_MAX);
	if (put_manifest(b, &m) == FATE_OK &&
	    get_access(c, &creds, &region, &x) == 0) {
		copy.manifest_url = m.manifest_url;
		pg_hide(db, x.secret_key);
		pg_hide(db, x.session_token);
		bad = sql_copy(&sql, &copy, &x) != 0 ||
		    run_copy(db, sql.data) != 0;
	} else {
		bad = 1;
	}
	if (bad != 0)
		check_bad("copy", x.iam_role != NULL ? "the role of iam_role "
		    "must be attached to the cluster and may read the bucket" :
		    "the cluster must be able to reach S3, and the keys must "
		    "allow s3:GetObject and s3:ListBucket");
	else
		check_ok("copy", "one row, into a temporary table");
	buf_wipe(&sql);
	aws_creds_release(&creds);
	manifest_release(&m);
	free(region);
	return bad;
}

static int
check_bucket(struct cfg *c, struct pg *db)
{
	struct bucket b = {.s3 = NULL};
	const char *prefix;
	int bad;

	check_listen();
	if (cfg_need(c, "bucket", &b.name) != 0 ||
	    cfg_get(c, "prefix", &prefix) != 0)
		return check_bad("bucket", "");
	if (s3_open(c, &b.s3) != FATE_OK)
		return check_bad("bucket", "check the aws_* keys");
	b.http = s3_http(b.s3);
	b.prefix = mem_fmt("%s%scheck-%ld", prefix != NULL ? prefix : "",
	    prefix != NULL ? "/" : "", (long)getpid());
	b.part = mem_fmt("%s/part-00000.csv", b.prefix);
	b.manifest = mem_fmt("%s/manifest.json", b.prefix);
	bad = check_objects(&b);
	if (db != NULL && bad == 0)
		bad += check_copy(c, db, &b);
	else
		check_note("copy", "not tried: what it needs has failed");
	if (b.stored)
		bad += clean_bucket(&b);
	http_free(b.http);
	s3_free(b.s3);
	free(b.prefix);
	free(b.part);
	free(b.manifest);
	return bad;
}

int
check_far(struct cfg *c, bool way)
{
	struct pg_conf *conf = NULL;
	struct pg *db = NULL;
	int bad = way ? check_database(c, &conf, &db) : 0;

	if (!way)
		check_note("database", "not tried: the way to it is broken");
	bad += check_bucket(c, db);
	pg_close(db);
	if (conf != NULL)
		pg_conf_free(conf);
	return bad;
}
