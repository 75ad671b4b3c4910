/*
 * The command that runs through a tunnel; and we ourselves in the background.
 */
#ifndef RSW_CHILD_H
#define RSW_CHILD_H

#include <stdbool.h>
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

/*
 * Go on in a new process: true there. In the old one it waits until the new
 * one calls child_detach() or ends, and returns false: exit with *status then
 * (0, or how the new one ended).
 */
bool child_background(int *report, int *status);

/* In the new process: all is well, let the old one go. Stdin and stdout lead
 * to /dev/null from here on, and there is no terminal. */
void child_detach(int report);

#endif
