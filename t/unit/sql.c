/* lib/sql.c: statements, byte for byte. */
#include "config.h"

#include "sql.h"
#include "tap.h"

#include <unistd.h>

static struct buf b;
static struct manifest m;
static struct plan_table none;
static struct plan p;

static void
made(const char *want, const char *what)
{
	is(b.data, want, what);
	buf_reset(&b);
}

static void
quoting(void)
{
	sql_literal(&b, "it's \\N");
	made("'it''s \\\\N'", "quotes and backslashes are doubled");
	sql_table(&b, "my \"s\"", "t");
	made("\"my \"\"s\"\"\".\"t\"", "names");
	sql_table(&b, NULL, "t");
	made("\"t\"", "a table without a schema");
}

static void
tables(void)
{
	struct sql_layout l = {.diststyle = "key", .distkey = "A",
		.sortkey = "b,A"};

	ok(sql_create(&b, "s", "t", &p, &l) == 0, "a layout");
	made("CREATE TABLE \"s\".\"t\" (\"a\" BIGINT, \"b\" VARCHAR(9)) "
	    "DISTSTYLE key DISTKEY (\"a\") COMPOUND SORTKEY (\"b\", \"a\")",
	    "in the statement");
	l = (struct sql_layout){.sortkey = "auto"};
	sql_create(&b, "s", "t", &p, &l);
	made("CREATE TABLE \"s\".\"t\" (\"a\" BIGINT, \"b\" VARCHAR(9)) "
	    "SORTKEY AUTO", "SORTKEY AUTO");
	l = (struct sql_layout){.sortkey = "a,x"};
	ok(sql_create(&b, "s", "t", &p, &l) == -1, "a sort key that is none");
	buf_reset(&b);
	l = (struct sql_layout){.distkey = "x"};
	ok(sql_create(&b, "s", "t", &p, &l) == -1, "a distkey that is none");
	buf_reset(&b);
	sql_stage(&b, "stage", &p);
	made("CREATE TEMP TABLE \"stage\" (\"a\" BIGINT, \"b\" VARCHAR(9))",
	    "a stage");
	p.item[0].action = PLAN_ADD;
	sql_alter(&b, "s", "t", &p.item[0]);
	made("ALTER TABLE \"s\".\"t\" ADD COLUMN \"a\" BIGINT", "a new column");
	p.item[1].action = PLAN_WIDEN;
	sql_alter(&b, "s", "t", &p.item[1]);
	made("ALTER TABLE \"s\".\"t\" ALTER COLUMN \"b\" TYPE VARCHAR(9)",
	    "a wider column");
}

static void
copies(void)
{
	struct sql_access role = {.iam_role = "arn:aws:iam::1:role/r",
		.region = "eu-west-1"};
	struct sql_access any = {.iam_role = "default"};
	struct sql_access keys = {.access_key = "AK", .secret_key = "s/'\\",
		.session_token = "tok"};
	struct sql_copy c = {.schema = "s", .table = "t", .plan = &p,
		.manifest_url = "s3://b/m.json", .compression = "gzip",
		.null_string = "\\N"};
	struct plan no_columns = {.n = 0};

	ok(sql_copy(&b, &c, &role) == 0, "COPY by role");
	made("COPY \"s\".\"t\" (\"a\", \"b\") FROM 's3://b/m.json' "
	    "IAM_ROLE 'arn:aws:iam::1:role/r' REGION 'eu-west-1' MANIFEST CSV "
	    "GZIP DATEFORMAT 'auto' TIMEFORMAT 'auto' ROUNDEC",
	    "is the statement of the facts; \\N is left to COPY");
	c.compression = NULL;
	c.null_string = "N'L";
	c.max_errors = 5;
	c.options = "TRUNCATECOLUMNS";
	c.format = "DELIMITER '|'";
	c.plan = &no_columns;
	sql_copy(&b, &c, &keys);
	made("COPY \"s\".\"t\" FROM 's3://b/m.json' ACCESS_KEY_ID 'AK' "
	    "SECRET_ACCESS_KEY 's/''\\\\' SESSION_TOKEN 'tok' MANIFEST "
	    "DELIMITER '|' NULL AS 'N''L' DATEFORMAT 'auto' TIMEFORMAT 'auto' "
	    "ROUNDEC MAXERROR 5 TRUNCATECOLUMNS", "by keys, with all options");
	c = (struct sql_copy){.table = "stage", .plan = &p, .noload = true,
		.manifest_url = "s3://b/m", .compression = "zstd"};
	sql_copy(&b, &c, &any);
	made("COPY \"stage\" (\"a\", \"b\") FROM 's3://b/m' IAM_ROLE default "
	    "MANIFEST CSV ZSTD DATEFORMAT 'auto' TIMEFORMAT 'auto' ROUNDEC "
	    "NOLOAD", "into a temporary table, only to look");
	c.compression = "rar";
	ok(sql_copy(&b, &c, &any) == -1, "a compression that COPY lacks");
	buf_reset(&b);
}

int
main(void)
{
	struct plan_opt opt = {.add = true};

	if (freopen("/dev/null", "w", stderr) == NULL)
		return 99;
	buf_init(&b, SQL_MAX);
	manifest_init(&m);
	manifest_add_column(&m, "A", "bigint");
	manifest_add_column(&m, "b", "character varying")->max_length = 9;
	plan_make(&p, &m, &none, &opt, "s.t");
	quoting();
	tables();
	copies();
	plan_release(&p);
	manifest_release(&m);
	buf_release(&b);
	return done();
}
