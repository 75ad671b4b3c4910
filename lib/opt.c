/*
 * The options that every program has, and what a wrong one is told.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "opt.h"

int
opt_usage(const char *usage, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg_error("%s", text);
	msg_error("%.*s (-h for more)", (int)strcspn(usage, "\n"), usage);
	return 2;
}

static int
stop(struct opt *o, int status)
{
	o->status = status;
	return OPT_EXIT;
}

/* getopt leaves optopt 0 for a wrong long name; for a wrong letter optind may
 * still point at its word. */
static int
unknown(struct opt *o, char *const argv[])
{
	if (optopt > 0 && optopt < 128)
		return stop(o, opt_usage(o->usage, "unknown option '-%c'",
		    optopt));
	return stop(o, opt_usage(o->usage, "unknown option '%s'",
	    argv[optind - 1]));
}

int
opt_next(struct opt *o, int argc, char *argv[])
{
	int c;

	for (;;) {
		c = getopt_long(argc, argv, o->letters, o->longs, &o->index);
		switch (c) {
		case 'a':
			o->account = optarg;
			break;
		case 'j':
			o->job = optarg;
			break;
		case 'q':
			msg_adjust(-1);
			break;
		case 'v':
			msg_adjust(1);
			break;
		case 'h':
			fputs(o->usage, stdout);
			return stop(o, 0);
		case OPT_VERSION:
			printf("%s (%s) %s\n", msg_name(), PACKAGE_NAME,
			    PACKAGE_VERSION);
			return stop(o, 0);
		case ':':
			return stop(o, opt_usage(o->usage, "option '%s' needs "
			    "a value", argv[optind - 1]));
		case '?':
			return unknown(o, argv);
		default:
			return c;	/* the program's own, or OPT_END */
		}
	}
}
