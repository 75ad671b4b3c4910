/*
 * The command that runs through a tunnel.
 */
#ifndef RSW_CHILD_H
#define RSW_CHILD_H

#include <sys/signalfd.h>
#include <sys/types.h>

/* Block the signals that a command is to get, and SIGCHLD. A descriptor for
 * signalfd_siginfo; or -1 having said why. */
int child_signals(void);

/* Start a command, looked up in PATH, with our environment and descriptors 0
 * to 2, and the signals as they were before child_signals(). 0; or 126
 * (cannot be run) or 127 (not found) having said why. */
int child_start(char *const argv[], pid_t *pid);

/* Pass on a signal that was sent to us. One from the terminal has reached the
 * command already. */
void child_signal(pid_t pid, const struct signalfd_siginfo *);

/* Did it end? True and the exit status: its own, or 128 + signal. */
int child_ended(pid_t pid, int *status);

#endif
