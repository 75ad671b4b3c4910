/*
 * Descriptors: whole reads, whole writes, files with secrets, and the checks
 * that every program makes at its start and at its end.
 */
#ifndef RSW_IO_H
#define RSW_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;

/* First in every main: descriptors 0 to 2 are taken, so that no other file
 * gets their number (to read or write one that was closed stays an error), and
 * SIGPIPE is ignored, so that a closed pipe is an ordinary write error. */
void io_start(void);

/* Before another program is started: SIGPIPE as it usually is. And after it,
 * where that was not in a process of its own. */
void io_restore_sigpipe(void);
void io_ignore_sigpipe(void);

/* Read until n bytes or the end. The count, or -1 with errno; silent. */
ssize_t io_read_full(int fd, void *p, size_t n);

/* Write all. 0, or -1 with errno; silent. A descriptor that does not block
 * is waited for. */
int io_write_full(int fd, const void *p, size_t n);

/*
 * Append all that fd has to b. 0, or -1 having said why; `what` names the
 * input in the message ("standard input", a path).
 */
int io_slurp(int fd, struct buf *b, const char *what);

/* The same for a file. With `private`, refuse one that others than its owner
 * can read, because it holds secrets. */
int io_slurp_file(const char *path, struct buf *b, bool private);

/*
 * Last in every main: flush stdio's stdout, close descriptor 1, and notice
 * what was lost on the way. Returns `status`, or 1, having said why, if the
 * output was not written whole.
 */
int io_finish(int status);

/* Milliseconds of a clock that is never set. */
long long io_now_ms(void);

#endif
