/*
 * Names as Redshift has them (facts: identifiers are 1 to 127 bytes, cut at
 * a character, ASCII letters fold to lower case even inside quotes).
 */
#ifndef RSW_NAME_H
#define RSW_NAME_H

#include <stddef.h>

#define NAME_MAX_LEN 127	/* bytes */

/* What Redshift makes of a name: lower case (ASCII), cut to `max` bytes at a
 * UTF-8 boundary. Freed by the caller. */
char *name_fold(const char *name, size_t max);

/* SCHEMA.TABLE as rs-tablename prints it and rs-load reads it: a part is
 * put in double quotes (doubled inside) unless it is [a-z_][a-z0-9_$]*.
 * Freed by the caller. */
char *name_format(const char *schema, const char *table);

/*
 * Take [SCHEMA.]TABLE apart; both are freed by the caller, *schema is NULL
 * if there is none. A part is in double quotes, or plain text without dots,
 * quotes or blanks. 0, or -1 having said why.
 */
int name_parse(const char *text, char **schema, char **table);

/* "name" for SQL: always in double quotes, doubled inside. Freed by the
 * caller. */
char *name_quote(const char *name);

/* 0 if Redshift can have the name: not empty, no control bytes, valid UTF-8;
 * -1 having said why, with `what` ("table name"). */
int name_check(const char *name, const char *what);

#endif
