/*
 * The state directory: where history.csv (history.h), runs/RUN (rundir.h) and
 * locks/JOB are kept.
 */
#ifndef RSW_STATE_H
#define RSW_STATE_H

#include <stdbool.h>

struct cfg;

/*
 * The state directory, made if need be: the key state_dir, else
 * $XDG_STATE_HOME/rs-writeback, else ~/.local/state/rs-writeback; where these
 * cannot be written to, $XDG_RUNTIME_DIR/rs-writeback, else rs-writeback-UID
 * in $TMPDIR or /tmp, which is told with -v. Freed by the caller; NULL having
 * said why.
 */
char *state_dir(struct cfg *);

/* Take the job's lock. A descriptor, which a command may inherit; -1 having
 * said why; -2 having said that the job runs already. */
int state_lock(const char *dir, const char *job);

/* Shall the commands that are started from now on hold the lock too? */
void state_pass_on(int lock, bool on);

#endif
