/*
 * history.csv in the state directory (`dir`): a line a run. rs-job writes,
 * rs-history reads.
 */
#ifndef RSW_HISTORY_H
#define RSW_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "table.h"

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

#endif
