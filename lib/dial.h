/*
 * A TCP connection to a host by name: both address families, the one that
 * answers first.
 */
#ifndef RSW_DIAL_H
#define RSW_DIAL_H

#include "fate.h"

/*
 * Look host up and connect. `deadline` is a time of io_now_ms(); `wake` a
 * descriptor that stops the attempt when it becomes readable, or -1. On
 * FATE_OK *fd does not block, closes on exec, and sends without delay; close
 * it. Else says why (FATE_STOPPED: silent).
 */
enum fate dial(const char *host, int port, long long deadline, int wake,
    int *fd);

/* Wait for events on fd, at most until the deadline. FATE_OK; FATE_AGAIN when
 * it passed; FATE_STOPPED when `wake` is readable. Silent. */
enum fate dial_wait(int fd, short events, long long deadline, int wake);

#endif
