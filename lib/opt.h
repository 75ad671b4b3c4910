/*
 * A program's options: its own, one after the other, and those that every
 * program has, -a -j -q -v -h --version, which are dealt with here.
 */
#ifndef RSW_OPT_H
#define RSW_OPT_H

#include <getopt.h>

#include "msg.h"

#define OPT_COMMON ":a:j:hqv"		/* begins every optstring */
enum {OPT_VERSION = 256, OPT_FIRST_OWN};	/* own long options go on */
#define OPT_COMMON_LONG \
	{"account", required_argument, NULL, 'a'}, \
	{"job", required_argument, NULL, 'j'}, \
	{"help", no_argument, NULL, 'h'}, \
	{"quiet", no_argument, NULL, 'q'}, \
	{"verbose", no_argument, NULL, 'v'}, \
	{"version", no_argument, NULL, OPT_VERSION}

struct opt {
	const char *usage;	/* the help; its first line is the synopsis */
	const char *letters;	/* OPT_COMMON and the program's own, as for */
	const struct option *longs;	/* getopt_long() */
	const char *account, *job;	/* -a, -j; NULL if not given */
	int index;		/* of a long option in longs */
	int status;		/* after OPT_EXIT: what to exit with */
};

/*
 * The next of the program's own options, its value in optarg; OPT_END when
 * there are no more (arguments begin at argv[optind]); OPT_EXIT when help or
 * the version was printed, or an option is wrong, which was said.
 */
enum {OPT_END = -1, OPT_EXIT = -2};
int opt_next(struct opt *, int argc, char *argv[]);

/* Say what is wrong with the command line, then the synopsis. Returns 2. */
int opt_usage(const char *usage, const char *fmt, ...) MSG_PRINTF(2, 3);

#endif
