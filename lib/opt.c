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

enum opt_result
opt_common(int c, char *const argv[], struct opt_common *o, const char *usage)
{
	switch (c) {
	case 'a':
		o->account = optarg;
		return OPT_GO;
	case 'j':
		o->job = optarg;
		return OPT_GO;
	case 'q':
		msg_adjust(-1);
		return OPT_GO;
	case 'v':
		msg_adjust(1);
		return OPT_GO;
	case 'h':
		fputs(usage, stdout);
		return OPT_DONE;
	case OPT_VERSION:
		printf("%s (%s) %s\n", msg_name(), PACKAGE_NAME,
		    PACKAGE_VERSION);
		return OPT_DONE;
	case ':':
		opt_usage(usage, "option '%s' needs a value",
		    argv[optind - 1]);
		return OPT_USAGE;
	default:
		break;
	}
	/* getopt leaves optopt 0 for a wrong long name; for a wrong letter
	 * optind may still point at its word. */
	if (optopt > 0 && optopt < 128)
		opt_usage(usage, "unknown option '-%c'", optopt);
	else
		opt_usage(usage, "unknown option '%s'", argv[optind - 1]);
	return OPT_USAGE;
}
