/*
 * The only door to stderr: every message is one line, one write, and starts
 * with the program's name. Wording: lower case, what failed first, its
 * subject in single quotes, then why, then what to do; never a secret.
 */
#ifndef RSW_MSG_H
#define RSW_MSG_H

#define MSG_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Set the program's name from argv[0], once, first of all in main. */
void msg_init(const char *argv0);

/* The program's name without its directory. Never NULL. */
const char *msg_name(void);

/* -q lowers by one, -v raises by one: -1 quiet, 0 usual, 1 tells steps,
 * 2 tells details. */
void msg_adjust(int by);
int msg_level(void);

/*
 * Say that something failed ("cannot open 'x': why"). msg_errno() ends the
 * line with ": " and the text of errno, which it leaves unchanged. Both
 * return -1, so that a caller can write `return msg_error(...)`.
 */
int msg_error(const char *fmt, ...) MSG_PRINTF(1, 2);
int msg_errno(const char *fmt, ...) MSG_PRINTF(1, 2);

/* Something the user should know though the work goes on. Shown with -q too. */
void msg_warn(const char *fmt, ...) MSG_PRINTF(1, 2);

/* What a program was asked to tell: shown unless the caller heeds -q. */
void msg_say(const char *fmt, ...) MSG_PRINTF(1, 2);

/* A step (shown with -v) and a detail (shown with -v -v). */
void msg_info(const char *fmt, ...) MSG_PRINTF(1, 2);
void msg_debug(const char *fmt, ...) MSG_PRINTF(1, 2);

/*
 * From now on errors and warnings go to this function, without the program's
 * name and the newline, and not to stderr; NULL: to stderr again. It is
 * called with a lock held, and must not call msg itself.
 */
void msg_hook(void (*fn)(const char *line));

/*
 * Inside a run of rs-job(1), whose directory is $RSW_RUN_DIR, all messages but
 * details are appended to a file there too, shown or not.
 */

/*
 * One progress line, rewritten in place. Does nothing unless stderr is a
 * terminal and -q was not given; msg_progress_wanted() tells, so that a
 * caller can skip the arithmetic. Any other message ends the line first.
 */
int msg_progress_wanted(void);
void msg_progress(const char *fmt, ...) MSG_PRINTF(1, 2);
void msg_progress_end(void);

#endif
