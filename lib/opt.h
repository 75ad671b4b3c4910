/*
 * The options that every program has: -a -j -q -v -h --version. A program
 * adds its own letters and long names beside them and calls opt_common()
 * from the default of its switch.
 */
#ifndef RSW_OPT_H
#define RSW_OPT_H

#include <getopt.h>

#include "msg.h"

struct opt_common {
	const char *account, *job;	/* -a, -j; NULL if not given */
};

#define OPT_COMMON ":a:j:hqv"		/* begins every optstring */
enum {OPT_VERSION = 256, OPT_FIRST_OWN};	/* own long options go on */
#define OPT_COMMON_LONG \
	{"account", required_argument, NULL, 'a'}, \
	{"job", required_argument, NULL, 'j'}, \
	{"help", no_argument, NULL, 'h'}, \
	{"quiet", no_argument, NULL, 'q'}, \
	{"verbose", no_argument, NULL, 'v'}, \
	{"version", no_argument, NULL, OPT_VERSION}

/*
 * Handle what getopt_long() gave: c is its value, `usage` the whole help
 * text, whose first line is the synopsis. Returns OPT_GO for a common
 * option, OPT_DONE when help or the version was printed (exit by
 * io_finish(0)), OPT_USAGE when the option is wrong (said; exit 2).
 */
enum opt_result {OPT_GO, OPT_DONE, OPT_USAGE};
enum opt_result opt_common(int c, char *const argv[], struct opt_common *,
    const char *usage);

/* Say what is wrong with the command line, then the synopsis. Returns 2. */
int opt_usage(const char *usage, const char *fmt, ...) MSG_PRINTF(2, 3);

#endif
