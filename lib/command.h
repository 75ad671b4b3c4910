/*
 * What a command of the user's prints: a password, say.
 */
#ifndef RSW_COMMAND_H
#define RSW_COMMAND_H

#include "buf.h"

/* Append what `sh -c command` prints to the buffer, whose cap is the most that
 * it may. `what` is the command's name for messages ("the command of 'x'").
 * It inherits our environment, which holds no secret that its user did not put
 * there. 0, or -1 having said why; the caller wipes the buffer. */
int command_output(const char *what, const char *command, struct buf *);

#endif
