/*
 * What is kept of runs: the state directory with history.csv (a line a run),
 * runs/RUN (a directory a run) and locks/JOB. rs-job writes, rs-history
 * reads.
 */
#ifndef RSW_HISTORY_H
#define RSW_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "table.h"

struct cfg;

/*
 * The state directory, made if need be: the key state_dir, else
 * $XDG_STATE_HOME/rs-writeback, else ~/.local/state/rs-writeback; where these
 * cannot be written to, $XDG_RUNTIME_DIR/rs-writeback, else rs-writeback-UID
 * in $TMPDIR or /tmp, which is told with -v. Freed by the caller; NULL having
 * said why.
 */
char *history_dir(struct cfg *);

/* Take the job's lock. A descriptor, which a command may inherit; -1 having
 * said why; -2 having said that the job runs already. */
int history_lock(const char *dir, const char *job);

/* Shall the commands that are started from now on hold the lock too? */
void history_pass_on(int lock, bool on);

/* A new run of the job: *run gets its name, the result is its directory with
 * the file `job` in it. Both freed by the caller; NULL having said why. */
char *history_begin(const char *dir, const char *job, char **run);

/* Note in a run's directory that the history lacks a line about what happens
 * now; history_begin() has done so. 0, or -1 having said why. */
int history_untold(const char *path);

/* The directory and the job of a run that was; NULL having said why. */
char *history_find(const char *dir, const char *run, char **job);

enum {
	HISTORY_RUN, HISTORY_START, HISTORY_END, HISTORY_JOB,
	HISTORY_DATASET_ID, HISTORY_DATASET_NAME, HISTORY_DATA_TIME,
	HISTORY_TABLE, HISTORY_MODE, HISTORY_ROWS, HISTORY_BYTES,
	HISTORY_STAGED_BYTES, HISTORY_SECONDS, HISTORY_CONNECT, HISTORY_EXPORT,
	HISTORY_LOAD, HISTORY_CLEAN, HISTORY_ATTEMPTS, HISTORY_STATUS,
	HISTORY_RESULT, HISTORY_ERROR, HISTORY_COLUMNS
};
extern const char *const history_column[HISTORY_COLUMNS];

struct history_line {
	char *cell[HISTORY_COLUMNS];	/* NULL: not known */
};
void history_line_release(struct history_line *);

/* Fill in what the files of a run's directory tell; the caller has set the
 * run, the job and the status. */
void history_gather(const char *path, struct timespec start,
    struct timespec end, struct history_line *);

/* The error that a run's directory tells of first, if there is one that does
 * more than tell of a closed pipe; freed by the caller. NULL: none. How many
 * errors there are goes to *n. */
char *history_cause(const char *path, size_t *n);

/* Has the run left something on S3? */
bool history_staged(const char *path);

/* The header and the line as CSV. */
void history_text(const struct history_line *, struct buf *);

/* Append a line, whole or not at all, beside other writers. 0, or -1 having
 * said why. */
int history_append(const char *dir, const struct history_line *);

/* Append a line with the result "killed" for each run of the job that has
 * none: nobody was left to write it. The job's lock is held. */
void history_note_killed(const char *dir, const char *job);

/* All lines; none if there is no history yet. 0, or -1 having said why. */
int history_read(const char *dir, struct table *);

/* Lines for the runs of a job, or of all, that have none yet, with the result
 * "unfinished": they run now, or they were killed. */
void history_unfinished(const char *dir, const char *job, struct buf *);

/* Remove one run's directory; those of all but the last `keep` runs of a job. */
void history_discard(const char *path);
void history_prune(const char *dir, const char *job, int64_t keep);

#endif
