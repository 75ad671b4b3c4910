/*
 * One database session: connect, run statements, say what went wrong. What
 * the statements are is others' business.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "mem.h"
#include "msg.h"
#include "pg.h"
#include "pgconf.h"

/* Redshift takes statements of up to 16 MB; a message of it is far less. */
#define TEXT_MAX (17 * 1024 * 1024)
#define SECRETS 8
#define TICK_MS 1000
#define CANCEL_MS 10000		/* for the answer to a cancel request */
#define ASIDE_SECONDS 5

struct pg {
	PGconn *conn;
	char *secret[SECRETS];
	size_t nsecrets;
	FILE *log;
	int64_t loaded;
	pg_tick *tick;
	void *tick_arg;
	/* the last failure */
	char state[8];
	char *text, *detail;
	bool lost;
	bool deaf;		/* it does not answer, not even to a cancel */
};

char *
pg_redact(const struct pg *pg, const char *s)
{
	struct buf b;
	size_t i, n;

	buf_init(&b, TEXT_MAX);
	while (*s != '\0') {
		for (i = 0; i < pg->nsecrets; i++) {
			n = strlen(pg->secret[i]);
			if (strncmp(s, pg->secret[i], n) == 0)
				break;
		}
		if (i < pg->nsecrets) {
			buf_adds(&b, "***");
			s += n;
		} else {
			buf_addc(&b, *s++);
		}
	}
	return buf_take(&b);
}

static void
hide(struct pg *pg, char *secret)
{
	/* Shorter than any real one: hiding it would only garble the text. */
	if (strlen(secret) >= 4 && pg->nsecrets < SECRETS)
		pg->secret[pg->nsecrets++] = secret;
	else
		mem_wipe_str(secret);
}

void
pg_hide(struct pg *pg, const char *secret)
{
	struct buf b;

	if (secret == NULL)
		return;
	hide(pg, mem_dup(secret));
	if (strpbrk(secret, "'\\") == NULL)
		return;
	/* As it stands in a literal. */
	buf_init(&b, TEXT_MAX);
	for (; *secret != '\0'; secret++) {
		if (*secret == '\'' || *secret == '\\')
			buf_addc(&b, *secret);
		buf_addc(&b, *secret);
	}
	hide(pg, buf_take(&b));
}

void
pg_log(struct pg *pg, FILE *f)
{
	pg->log = f;
}

/* INFO of COPY: "Load into table 't' completed, 5 record(s) loaded
 * successfully." */
static void
on_notice(void *arg, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY), *p;
	struct pg *pg = arg;
	char *safe;

	if (text == NULL)
		return;
	if ((p = strstr(text, " completed, ")) != NULL &&
	    strstr(p, " record(s) loaded") != NULL)
		pg->loaded = strtoll(p + strlen(" completed, "), NULL, 10);
	safe = pg_redact(pg, text);
	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		msg_warn("the database warns: %s", safe);
	else
		msg_info("the database says: %s", safe);
	free(safe);
}

static void
keep_failure(struct pg *pg, const PGresult *res)
{
	const char *s;

	free(pg->text);
	free(pg->detail);
	s = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	snprintf(pg->state, sizeof(pg->state), "%s", s != NULL ? s : "");
	s = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) :
	    NULL;
	pg->text = pg_redact(pg, s != NULL ? s : PQerrorMessage(pg->conn));
	pg->text[strcspn(pg->text, "\n")] = '\0';
	s = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL) :
	    NULL;
	/* PostgreSQL names the line of COPY in the context. */
	if (s == NULL && res != NULL)
		s = PQresultErrorField(res, PG_DIAG_CONTEXT);
	pg->detail = pg_redact(pg, s != NULL ? s : "");
	pg->lost = pg->deaf || PQstatus(pg->conn) == CONNECTION_BAD;
}

static void
log_statement(struct pg *pg, const char *sql)
{
	char *safe;

	if (pg->log == NULL && msg_level() < 2)
		return;
	safe = pg_redact(pg, sql);
	msg_debug("sql: %s", safe);
	if (pg->log != NULL) {
		fprintf(pg->log, "%s;\n", safe);
		fflush(pg->log);
	}
	free(safe);
}

void
pg_watch(struct pg *pg, pg_tick *tick, void *arg)
{
	pg->tick = tick;
	pg->tick_arg = arg;
}

/* It waits for the server to hang up, which one that is gone never does. */
static void *
send_cancel(void *arg)
{
	PGcancel *c = arg;
	char error[256];

	if (PQcancel(c, error, sizeof(error)) == 0)
		msg_debug("cannot cancel the statement: %s", error);
	PQfreeCancel(c);
	return NULL;
}

static void
cancel(struct pg *pg)
{
	PGcancel *c = PQgetCancel(pg->conn);
	pthread_t thread;

	if (c == NULL)
		return;
	if (pthread_create(&thread, NULL, send_cancel, c) == 0)
		pthread_detach(thread);
	else
		PQfreeCancel(c);
}

/* PQexec() with a look at the clock: the same protocol, the same result; NULL
 * if the server does not even answer to a cancel. */
static PGresult *
exec(struct pg *pg, const char *sql)
{
	struct pollfd p = {.events = POLLIN};
	PGresult *r, *last = NULL;
	long long cancelled = 0;
	int n;

	if (pg->tick == NULL || PQsendQuery(pg->conn, sql) == 0)
		return PQexec(pg->conn, sql);
	while (PQisBusy(pg->conn)) {
		p.fd = PQsocket(pg->conn);
		n = poll(&p, 1, TICK_MS);
		if (n <= 0 && pg->tick(pg->tick_arg) != 0 && cancelled == 0) {
			cancelled = io_now_ms();
			cancel(pg);
		}
		if (cancelled > 0 && io_now_ms() - cancelled > CANCEL_MS) {
			pg->deaf = true;
			return NULL;
		}
		if (n > 0 && PQconsumeInput(pg->conn) == 0)
			break;
	}
	while ((r = PQgetResult(pg->conn)) != NULL) {
		PQclear(last);
		last = r;
	}
	return last;
}

PGresult *
pg_query(struct pg *pg, const char *sql)
{
	ExecStatusType status;
	PGresult *res;

	log_statement(pg, sql);
	pg->loaded = -1;
	res = exec(pg, sql);
	status = PQresultStatus(res);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return res;
	keep_failure(pg, res);
	PQclear(res);
	return NULL;
}

int
pg_copy_start(struct pg *pg, const char *sql)
{
	PGresult *r;
	bool good;

	log_statement(pg, sql);
	r = PQexec(pg->conn, sql);
	good = PQresultStatus(r) == PGRES_COPY_IN;
	if (!good)
		keep_failure(pg, r);
	PQclear(r);
	return good ? 0 : -1;
}

int
pg_copy_put(struct pg *pg, const char *p, size_t n)
{
	/* libpq takes an int. */
	const size_t most = 1 << 20;

	for (; n > most; p += most, n -= most)
		if (PQputCopyData(pg->conn, p, (int)most) != 1)
			break;
	if (n <= most && PQputCopyData(pg->conn, p, (int)n) == 1)
		return 0;
	keep_failure(pg, NULL);
	return -1;
}

int
pg_copy_end(struct pg *pg, const char *error, int64_t *rows)
{
	PGresult *r, *last = NULL;
	bool good;

	*rows = 0;
	if (PQputCopyEnd(pg->conn, error) != 1) {
		keep_failure(pg, NULL);
		return -1;
	}
	while ((r = PQgetResult(pg->conn)) != NULL) {
		PQclear(last);
		last = r;
	}
	good = PQresultStatus(last) == PGRES_COMMAND_OK;
	if (good)
		*rows = strtoll(PQcmdTuples(last), NULL, 10);
	else
		keep_failure(pg, last);
	PQclear(last);
	return good ? 0 : -1;
}

int
pg_do(struct pg *pg, const char *sql)
{
	PGresult *res = pg_query(pg, sql);

	PQclear(res);
	return res != NULL ? 0 : -1;
}

const char *
pg_state(const struct pg *pg)
{
	return pg->state;
}

bool
pg_lost(const struct pg *pg)
{
	return pg->lost;
}

const char *
pg_text(const struct pg *pg)
{
	return pg->text != NULL ? pg->text : "";
}

const char *
pg_detail(const struct pg *pg)
{
	return pg->detail != NULL ? pg->detail : "";
}

bool
pg_conflict(const struct pg *pg)
{
	return strcmp(pg->state, "40P01") == 0 ||
	    strcmp(pg->state, "40001") == 0 ||
	    (strcmp(pg->state, "XX000") == 0 &&
	    strncmp(pg_text(pg), "1023", 4) == 0) ||
	    strstr(pg_text(pg), "conflict with concurrent transaction") !=
	    NULL;
}

/* Redshift's details stand in a box of dashes; as one line they read
 * "error: x; code: y; ...". Appended to b, but for what `text` has said. */
static void
add_detail(struct buf *b, const char *s, const char *text)
{
	const char *sep = ": ";
	size_t n;

	for (; *s != '\0'; s += n, s += *s == '\n') {
		n = strcspn(s, "\n");
		while (n > 0 && (*s == ' ' || *s == '-')) {
			s++;
			n--;
		}
		if (n == 0 || (strncmp(s, "error:", 6) == 0 && n > 8 &&
		    strncmp(text, s + 6 + strspn(s + 6, " "), 20) == 0))
			continue;
		buf_adds(b, sep);
		buf_add(b, s, n);
		while (b->len > 0 && b->data[b->len - 1] == ' ')
			b->data[--b->len] = '\0';
		sep = "; ";
	}
}

int
pg_say(const struct pg *pg, const char *fmt, ...)
{
	struct buf b;
	va_list ap;
	char *what;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&what, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	buf_init(&b, TEXT_MAX);
	buf_addf(&b, "%s: %s", what, pg->lost && *pg->state == '\0' ?
	    "the connection to the database is lost: " : "");
	buf_adds(&b, pg_text(pg));
	add_detail(&b, pg_detail(pg), pg_text(pg));
	if (*pg->state != '\0')
		buf_addf(&b, " (SQLSTATE %s)", pg->state);
	msg_error("%s", b.data);
	buf_release(&b);
	free(what);
	return -1;
}

int64_t
pg_loaded(const struct pg *pg)
{
	return pg->loaded;
}

const char *
pg_tls(const struct pg *pg)
{
	return PQsslInUse(pg->conn) ? PQsslAttribute(pg->conn, "protocol") :
	    NULL;
}

const char *
pg_user(const struct pg *pg)
{
	return PQuser(pg->conn);
}

const char *
pg_database(const struct pg *pg)
{
	return PQdb(pg->conn);
}

bool
pg_in_block(const struct pg *pg)
{
	return PQtransactionStatus(pg->conn) == PQTRANS_INTRANS;
}

int
pg_pid(const struct pg *pg)
{
	return PQbackendPID(pg->conn);
}

void
pg_close(struct pg *pg)
{
	size_t i;

	if (pg == NULL)
		return;
	PQfinish(pg->conn);
	for (i = 0; i < pg->nsecrets; i++)
		mem_wipe_str(pg->secret[i]);
	free(pg->text);
	free(pg->detail);
	free(pg);
}

static bool
stopped(const struct pg_conf *p)
{
	return p->stop != NULL && *p->stop != 0;
}

/* Drive the connection until it stands, fails, or the time is up or the user
 * wants no more of it. */
static bool
wait_connect(const struct pg_conf *pc, PGconn *conn, int64_t seconds)
{
	long long end = io_now_ms() + seconds * 1000, left;
	PostgresPollingStatusType st = PGRES_POLLING_WRITING;
	struct pollfd p;

	if (conn == NULL || PQstatus(conn) == CONNECTION_BAD)
		return true;
	while (st != PGRES_POLLING_OK && st != PGRES_POLLING_FAILED) {
		if ((left = end - io_now_ms()) <= 0 || stopped(pc))
			return false;
		p = (struct pollfd){.fd = PQsocket(conn),
		    .events = st == PGRES_POLLING_READING ? POLLIN : POLLOUT};
		if (poll(&p, 1, (int)(left < TICK_MS ? left : TICK_MS)) > 0)
			st = PQconnectPoll(conn);
	}
	return true;
}

/* What libpq and the server say when a connection fails, and what it means.
 * `state` is matched first, then a piece of the text. */
static const struct {
	const char *state, *text, *meaning;
	bool again;
} reasons[] = {
	{NULL, "authentication method 13 ", "the server wants Redshift's own "
	    "password digest, because this user's password was set as a "
	    "sha256 hash: have it set again as plain text or md5 (ALTER USER "
	    "... PASSWORD), or use a temporary IAM login", false},
	{NULL, "authentication method 14 ", "this user logs in by an identity "
	    "provider: use a user with a password, or a temporary IAM login",
	    false},
	{NULL, "locked", "the user is locked after too many wrong passwords: "
	    "an administrator must unlock it (ALTER USER ... ACCOUNT UNLOCK)",
	    false},
	{"28P01", NULL, NULL, false},
	{NULL, "password authentication failed", NULL, false},
	{"3D000", NULL, "check 'database_name'", false},
	{"28000", NULL, "the server refuses this user from here: check "
	    "'database_username' and whether the cluster wants TLS", false},
	{"53300", NULL, "too many connections are open", true},
	{"57P03", NULL, "the database is starting or stopping", true},
	{NULL, "no password supplied", "set 'database_password', or "
	    "PGPASSFILE", false},
	{NULL, "does not match host name", "the certificate is another "
	    "host's: 'database_hostname' must be the cluster's own name, as "
	    "the bastion knows it", false},
	{NULL, "certificate verify failed", "the certificate of the database "
	    "is not signed by the one in 'certificate': Amazon's is at "
	    "https://s3.amazonaws.com/redshift-downloads/"
	    "amazon-trust-ca-bundle.crt", false},
	{NULL, "does not support SSL", "the server offers no TLS: if the way "
	    "to it is safe, set 'database_sslmode' to disable", false},
	{NULL, "root certificate file", "give the certificate of the database "
	    "(certificate_format, certificate), or set 'database_sslmode'",
	    false},
	{NULL, "could not translate host name", "if only a bastion can reach "
	    "it, run this under ssh-fwd", true},
	{NULL, "closed the connection unexpectedly", "the way to it leads to "
	    "nothing: if it goes through ssh-fwd, the bastion can not reach "
	    "the database (name, port, security group)", true},
	{NULL, "onnection refused", "nothing listens there", true},
	{NULL, "onnection reset", "the way to it is cut", true},
	{NULL, "imed out", "no answer: check the way to it, security groups "
	    "and whether it needs a bastion (ssh-fwd)", true},
	{NULL, "timeout", "no answer: check the way to it, security groups "
	    "and whether it needs a bastion (ssh-fwd)", true},
	{NULL, "o route to host", "check the way to it", true},
	{NULL, "etwork is unreachable", "check the way to it", true},
	{NULL, "could not connect", "check the way to it", true},
};

/* Take the SQLSTATE out of "...FATAL:  28P01: text\nLOCATION: ...". */
static void
parse_failure(const char *all, char state[6], char **text)
{
	const char *p = strstr(all, "FATAL:  ");

	state[0] = '\0';
	if (p != NULL)
		p += strlen("FATAL:  ");
	if (p != NULL && strspn(p, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
	    5 && p[5] == ':') {
		memcpy(state, p, 5);
		state[5] = '\0';
		all = p + 7;
	}
	*text = mem_ndup(all, strcspn(all, "\n"));
}

static enum fate
explain(const struct pg_conf *p, const char *all)
{
	bool again = false;
	const char *meaning = "";
	char state[6], *text;
	size_t i, n = sizeof(reasons) / sizeof(reasons[0]);

	parse_failure(all, state, &text);
	for (i = 0; i < n; i++) {
		if (reasons[i].state != NULL ?
		    strcmp(reasons[i].state, state) == 0 :
		    strstr(all, reasons[i].text) != NULL)
			break;
	}
	if (i < n && reasons[i].meaning == NULL) {
		msg_error("cannot log in to '%s' as '%s': wrong password or "
		    "user: %s; tried once only, because Redshift locks a user "
		    "after five wrong ones; check 'database_password' (%s)",
		    p->where, p->user != NULL ? p->user : "", text,
		    p->password != NULL ? p->password_origin : "password file");
		free(text);
		return FATE_FAILED;
	}
	if (i < n) {
		meaning = reasons[i].meaning;
		again = reasons[i].again;
	}
	msg_error("cannot connect to the database '%s'%s%s: %s%s%s", p->where,
	    p->hostaddr != NULL ? " by way of " : "",
	    p->hostaddr != NULL ? p->hostaddr : "", text,
	    *meaning != '\0' ? "; " : "", meaning);
	free(text);
	return again ? FATE_AGAIN : FATE_FAILED;
}

static PGconn *
start(const struct pg_conf *p, const char *name)
{
	const char *const keys[] = {
		"host", "hostaddr", "port", "dbname", "user", "password",
		"sslmode", "sslrootcert", "gssencmode", "client_encoding",
		"application_name", "keepalives", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		NULL
	};
	/* A COPY is silent for as long as it takes; firewalls forget such
	 * connections after some 200 s and more. A peer that is gone is
	 * noticed after 30 + 6 * 10 s. */
	const char *const values[] = {
		p->host, p->hostaddr, p->port, p->dbname, p->user, p->password,
		p->sslmode, p->rootcert, "disable", "UTF8",
		name, "1", "30",
		"10", "6", "90000",
		NULL
	};

	return PQconnectStartParams(keys, values, 0);
}

struct pg *
pg_open_aside(struct pg_conf *p, const char *name)
{
	struct pg *pg = mem_zero(1, sizeof(*pg));

	pg->conn = start(p, name);
	PQsetNoticeReceiver(pg->conn, on_notice, pg);
	if (wait_connect(p, pg->conn, ASIDE_SECONDS) &&
	    PQstatus(pg->conn) == CONNECTION_OK)
		return pg;
	pg_close(pg);
	return NULL;
}

enum fate
pg_open(struct pg_conf *p, const char *name, struct pg **out)
{
	struct pg *pg = mem_zero(1, sizeof(*pg));
	enum fate st;
	bool stood;

	*out = NULL;
	pg->loaded = -1;
	msg_info("connecting to '%s'", p->where);
	pg->conn = start(p, name);
	/* For the SQLSTATE of a failure, which libpq does not tell else. */
	PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(pg->conn, on_notice, pg);
	stood = wait_connect(p, pg->conn, p->connect_timeout);
	if (!stood && stopped(p)) {
		st = FATE_FAILED;	/* the caller says so */
	} else if (!stood) {
		st = explain(p, "timeout expired");
	} else if (PQstatus(pg->conn) != CONNECTION_OK) {
		st = explain(p, PQerrorMessage(pg->conn));
	} else {
		PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
		if (p->password != NULL)
			pg_hide(pg, p->password);
		*out = pg;
		return FATE_OK;
	}
	pg_close(pg);
	return st;
}
