/*
 * The directory of a run, runs/RUN in the state directory (`dir`).
 */
#ifndef RSW_RUNDIR_H
#define RSW_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new run of the job: *run gets its name, the result is its directory with
 * the file `job` in it. Both freed by the caller; NULL having said why. */
char *rundir_begin(const char *dir, const char *job, char **run);

/* Note in a run's directory that the history lacks a line about what happens
 * now; rundir_begin() has done so. 0, or -1 having said why. And that it has
 * one. */
int rundir_untold(const char *path);
void rundir_told(const char *path);

/* The directory and the job of a run that was; NULL having said why. */
char *rundir_find(const char *dir, const char *run, char **job);

/* The directories of a job's runs, or of all jobs', the newest first, or of
 * those only that are untold; each, and the list, freed by the caller. */
char **rundir_list(const char *dir, const char *job, bool untold, size_t *n);

/* A small file of a run, freed by the caller; NULL if it is not there or
 * empty (silent). */
char *rundir_text(const char *path, const char *name);

/* The error that a run's directory tells of first, if there is one that does
 * more than tell of a closed pipe; freed by the caller. NULL: none. How many
 * errors there are goes to *n. */
char *rundir_cause(const char *path, size_t *n);

/* Has the run left something on S3? */
bool rundir_staged(const char *path);

/* Remove one run's directory; those of all but the last `keep` runs of a job. */
void rundir_discard(const char *path);
void rundir_prune(const char *dir, const char *job, int64_t keep);

#endif
