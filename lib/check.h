/*
 * Every link between Domo and the table, tried one after the other, a line
 * each: what works, and what to do about what does not. Nothing stays
 * behind.
 *
 * A function that tries links returns the name of the first that failed, for
 * those after it to be skipped because of it, or NULL.
 */
#ifndef RSW_CHECK_H
#define RSW_CHECK_H

#include <stdbool.h>

struct cfg;
struct pg;

/* From now on the errors of the other files are a line's text. */
void check_start(void);

/* How many links have failed. */
int check_failed(void);

/* The parts of an account. It may have only some of them, as when it is for
 * s3-stage alone; of those it has, all keys may be set, or not. */
enum check_part {CHECK_DOMO, CHECK_DATABASE, CHECK_BUCKET, CHECK_PARTS};
bool check_has(struct cfg *, enum check_part);
bool check_complete(struct cfg *, enum check_part);
bool check_has_bastion(struct cfg *);

/* The keys that each part needs; with `all` no part may be missing. */
void check_config(struct cfg *, bool all);

/* Login and scope. */
void check_domo(struct cfg *);

/* The bastion, each way to log in, and the database as seen from there. */
const char *check_bastion(struct cfg *);

/* The database, run inside of ssh-fwd if there is a bastion. *db is closed by
 * pg_close(). If `broken`, all links of the chain after that one are shown as
 * skipped, and *db is NULL. */
const char *check_database(struct cfg *, const char *broken, struct pg **db);

/* The bucket, then COPY from it, unless the database was `broken`. */
void check_bucket(struct cfg *, struct pg *db, const char *broken);

/* For these: begin to listen for errors; was this among them? Print the line
 * of a link that works, of one that does not (the errors heard since, then
 * what to do; returns its name), a remark, or a link that is not tried. */
void check_listen(void);
bool check_heard(const char *text);
const char *check_errors(void);
void check_ok(const char *link, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *check_bad(const char *link, const char *todo, ...)
    __attribute__((format(printf, 2, 3)));
void check_note(const char *link, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_skip(const char *link, const char *because);

#endif
