/*
 * The database: TLS and its certificate, the login, and the rights that a load
 * needs. All that is made is rolled back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "check.h"
#include "mem.h"
#include "pg.h"
#include "sql.h"

/* The chain to the database; after a link that is broken the rest is shown
 * as skipped. The ways to log in at the bastion count as one. */
static const char *const chain[] = {"ssh settings", "bastion", "ssh session",
	"host key", "login", "database", "tunnel", "database tls",
	"certificate", "database login", "create", "insert"};
#define NCHAIN (sizeof(chain) / sizeof(chain[0]))

/* The links after this one. */
static void
skip_after(const char *link, const char *because)
{
	bool after = false;
	size_t i;

	for (i = 0; i < NCHAIN; i++) {
		if (after && strcmp(chain[i], "tunnel") != 0)
			check_skip(chain[i], because);
		after = after || strcmp(link, chain[i]) == 0 ||
		    (strcmp(chain[i], "login") == 0 &&
		    strncmp(link, "login", 5) == 0);
	}
}

static bool
heard_any(const char *const *text)
{
	for (; *text != NULL; text++)
		if (check_heard(*text))
			return true;
	return false;
}

/* Which link is it that pg_open() could not pass? */
static const char *
judge_connect(const struct pg_conf *conf)
{
	static const char *const way[] = {"closed the connection",
		"refused; ", "no answer", "the way to it",
		"translate host name", NULL};
	static const char *const tls[] = {"no TLS", "SSL SYSCALL",
		"SSL error", NULL};
	bool refused = check_heard("cannot log in");
	bool certificate = !refused && check_heard("ertificate");

	if (!refused && heard_any(way))
		return check_bad("database", "check database_hostname and "
		    "database_port; the security group of the cluster must "
		    "allow the bastion's address, or without one this "
		    "machine's");
	if (!refused && !certificate && heard_any(tls))
		return check_bad("database tls", "ask the cluster's owner; or "
		    "is something else behind database_port?");
	check_ok("database tls", "the database offers it");
	if (certificate)
		return check_bad("certificate", "%s", check_heard("host name") ?
		    "check database_hostname; if its name cannot be the "
		    "certificate's, database_sslmode = verify-ca" :
		    "check certificate_format and certificate");
	check_ok("certificate", "%s", strcmp(pg_sslmode(conf), "require") ==
	    0 ? "not asked for" : "trusted");
	return check_bad("database login", "%s", check_heard("locked") ? "" :
	    check_heard("database_name") ? "the name is that of a database, "
	    "such as dev, not of the cluster" :
	    "check database_username and database_password");
}

static void
show_tls(struct cfg *c, const struct pg_conf *conf, const struct pg *db)
{
	const char *mode = pg_sslmode(conf), *host = NULL;

	cfg_get(c, "database_hostname", &host);
	if (pg_tls(db) == NULL) {
		check_note("database tls", "none: database_sslmode = %s", mode);
		check_note("certificate", "not asked for");
		return;
	}
	check_ok("database tls", "%s", pg_tls(db));
	if (strcmp(mode, "verify-full") == 0)
		check_ok("certificate", "trusted, and '%s' is its name",
		    host != NULL ? host : "the service's host");
	else if (strcmp(mode, "verify-ca") == 0)
		check_ok("certificate", "trusted; its name is not compared "
		    "(database_sslmode)");
	else
		check_note("certificate", "not asked for: set "
		    "certificate_format and certificate, so that no other "
		    "server can pose as the database");
}

/* Make a table and a row as a load would, and take it all back. */
static void
check_rights(struct cfg *c, struct pg *db)
{
	const char *schema;
	char *name;
	struct buf b;

	check_listen();
	if (cfg_need(c, "schema_name", &schema) != 0) {
		check_bad("create", "%s", "");
		check_skip("insert", "create");
		return;
	}
	name = mem_fmt("rs_writeback_check_%ld", (long)getpid());
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "CREATE TABLE ");
	sql_table(&b, schema, name);
	buf_adds(&b, " (a VARCHAR(8))");
	if (pg_do(db, "BEGIN") != 0 || pg_do(db, b.data) != 0) {
		pg_say(db, "cannot make a table");
		if (strcmp(pg_state(db), "3F000") == 0)
			check_bad("create", "set schema_name, or make the "
			    "schema '%s'", schema);
		else
			check_bad("create", "its owner must run: GRANT "
			    "CREATE, USAGE ON SCHEMA %s TO %s; or set "
			    "schema_name", schema, pg_user(db));
		check_skip("insert", "create");
	} else {
		check_ok("create", "a table in schema '%s'", schema);
		buf_reset(&b);
		buf_adds(&b, "INSERT INTO ");
		sql_table(&b, schema, name);
		buf_adds(&b, " VALUES ('x')");
		if (pg_do(db, b.data) != 0) {
			pg_say(db, "cannot insert a row");
			check_bad("insert", "its owner must grant INSERT on "
			    "the tables of schema '%s' to '%s'", schema,
			    pg_user(db));
		} else {
			check_ok("insert", "a row into it");
		}
	}
	pg_do(db, "ROLLBACK");
	buf_release(&b);
	free(name);
}

/* The name of the link that is broken; else *db stands. */
static const char *
connect_to(struct cfg *c, struct pg **db)
{
	struct pg_conf *conf = NULL;
	const char *broken = NULL;

	check_listen();
	if (pg_conf_new(c, &conf) != FATE_OK) {
		check_skip("database tls", "certificate");
		return check_bad("certificate", "check certificate_format, "
		    "certificate and database_sslmode");
	}
	if (pg_open(conf, PACKAGE_NAME " rs-check", db) != FATE_OK) {
		broken = judge_connect(conf);
	} else {
		show_tls(c, conf, *db);
		check_ok("database login", "'%s', database '%s'",
		    pg_user(*db), pg_database(*db));
	}
	pg_conf_free(conf);
	return broken;
}

const char *
check_database(struct cfg *c, const char *broken, struct pg **db)
{
	*db = NULL;
	if (!check_has(c, CHECK_DATABASE)) {
		check_note("database", "no database_hostname is set: good for "
		    "all but rs-load");
		return "database";
	}
	if (broken == NULL && !check_complete(c, CHECK_DATABASE)) {
		skip_after("login", "configuration");
		return "configuration";
	}
	if (broken == NULL)
		broken = connect_to(c, db);
	if (broken == NULL)
		check_rights(c, *db);
	else
		skip_after(broken, broken);
	return broken;
}
