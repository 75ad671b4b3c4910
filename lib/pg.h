/*
 * The database connection: libpq as Redshift needs it (no startup options,
 * no TLS that is only preferred, no second try of a password, keepalives),
 * statements by PQexec, notices collected, and secrets
 * hidden in all that is printed.
 */
#ifndef RSW_PG_H
#define RSW_PG_H

#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cfg.h"
#include "fate.h"

/* Where to and how: read once, used for every connection of a program. */
struct pg_conf;

/* Read the database_* and certificate keys; fetch the certificate if it is
 * an address. FATE_OK and *out (pg_conf_free), or having said why FATE_CONFIG,
 * or FATE_AGAIN if the certificate's server may answer later. Takes out of
 * the environment the PG* variables that Redshift refuses. */
enum fate pg_conf_new(struct cfg *, struct pg_conf **out);
void pg_conf_free(struct pg_conf *);

struct pg;

/*
 * Connect, one try. FATE_OK and *out (pg_close), else it has said why, in the
 * words of what the user can do about it; FATE_AGAIN: refused, timed out,
 * closed. `name` becomes application_name.
 */
enum fate pg_open(struct pg_conf *, const char *name, struct pg **out);

/* The same for a connection that is of use, not needed: silent, NULL. */
struct pg *pg_open_aside(struct pg_conf *, const char *name);
void pg_close(struct pg *);	/* NULL is fine */

/* Connecting ends as soon as *stop is not 0; pg_open() says nothing then. */
void pg_conf_stop(struct pg_conf *, const volatile sig_atomic_t *stop);

/* HOST:PORT/DATABASE, for messages; owned by the conf. */
const char *pg_where(const struct pg_conf *);

/* libpq's sslmode in force. */
const char *pg_sslmode(const struct pg_conf *);

/* The TLS version of the session, NULL: none; owned by the connection. */
const char *pg_tls(const struct pg *);

/* Whom we are to the database, and which one it is; owned as above. */
const char *pg_user(const struct pg *);
const char *pg_database(const struct pg *);

/* From now on this text is shown as *** wherever this connection prints. */
void pg_hide(struct pg *, const char *secret);

/* text with the secrets hidden; freed by the caller. */
char *pg_redact(const struct pg *, const char *text);

/* Append every statement, secrets hidden, to this stream; NULL: none. */
void pg_log(struct pg *, FILE *);

/*
 * Run one statement. The result (PQclear), or NULL, silent: pg_say() says
 * why, pg_state() tells the SQLSTATE ("" if there is none), pg_lost() that
 * the connection is gone.
 */
PGresult *pg_query(struct pg *, const char *sql);

/* The same for a statement whose result is of no interest: 0 or -1. */
int pg_do(struct pg *, const char *sql);

/*
 * COPY ... FROM STDIN (PostgreSQL only): start, rows in pieces of any size,
 * and the end, with an `error` that makes the server forget it all, or NULL.
 * 0, or -1, silent as pg_query().
 */
int pg_copy_start(struct pg *, const char *sql);
int pg_copy_put(struct pg *, const char *p, size_t n);
int pg_copy_end(struct pg *, const char *error, int64_t *rows);

const char *pg_state(const struct pg *);
bool pg_lost(const struct pg *);
const char *pg_text(const struct pg *);		/* the server's message */
const char *pg_detail(const struct pg *);	/* its detail, or "" */

/* "WHAT: why (SQLSTATE x); detail": the last failure. Returns -1. */
int pg_say(const struct pg *, const char *fmt, ...) MSG_PRINTF(2, 3);

/* Serialization failure or deadlock: the same transaction may work. */
bool pg_conflict(const struct pg *);

/* What an INFO notice said that COPY has loaded since the last pg_query(),
 * -1 if none did. */
int64_t pg_loaded(const struct pg *);

/*
 * Call tick about once a second, and when a signal was caught, while a
 * statement runs. When it gives non-zero the server is asked to stop the
 * statement, which then fails (SQLSTATE 57014).
 */
typedef int pg_tick(void *arg);
void pg_watch(struct pg *, pg_tick *, void *arg);

/* Is a transaction open, as the server says with every answer? */
bool pg_in_block(const struct pg *);

/* The server process of the session. */
int pg_pid(const struct pg *);

#endif
