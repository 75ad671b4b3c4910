/*
 * Every link between Domo and the table, tried one after the other, a line
 * each: what works, and what to do about what does not. Nothing stays
 * behind.
 */
#ifndef RSW_CHECK_H
#define RSW_CHECK_H

#include <stdbool.h>

struct cfg;

/* From now on the errors of the other files are a line's text. */
void check_start(void);

/* The links on this side: configuration, Domo, the bastion with each way to
 * log in, and the database as seen from there. *way: the database can be
 * reached through ssh-fwd, or needs none. The number of failures. */
int check_near(struct cfg *, bool *way);

/* The links on the far side, inside of ssh-fwd if there is a bastion: the
 * database (if `way`), the bucket, and COPY from the one to the other. The
 * number of failures. */
int check_far(struct cfg *, bool way);

/* For these two: begin to listen for errors; print the line of a link that
 * works, or, returning 1, of one that does not: the errors heard since, and
 * `todo`. */
void check_listen(void);
const char *check_heard(void);
void check_ok(const char *link, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int check_bad(const char *link, const char *todo);
void check_note(const char *link, const char *what);

#endif
