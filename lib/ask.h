/*
 * Questions on the terminal, whatever stdin and stdout are used for.
 */
#ifndef RSW_ASK_H
#define RSW_ASK_H

#include <stdbool.h>

/* Show a prompt and read a line; with `echo` false it is not shown. The line
 * is freed by mem_wipe_str(); NULL: no terminal, or the end of input. */
char *ask_line(const char *prompt, bool echo);

/* The same for yes or no; false without a terminal. */
bool ask_yes(const char *question);

/* Is there a terminal to ask on? */
bool ask_possible(void);

#endif
