/*
 * rs-config: what the configuration says, for shell scripts and for eyes.
 * The driver asks it for a job's keys; secrets are never printed.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "io.h"
#include "msg.h"
#include "opt.h"

static const char usage[] =
"usage: rs-config [-a ACCOUNT] [-j JOB] [-k | -l | -o | -s KEY... | KEY...]\n"
"Print the value in force of each KEY, a line each (empty if not set).\n"
"  -a, --account NAME  use [account NAME]\n"
"  -j, --job NAME      use [job NAME] and the account it names\n"
"  -k, --keys          the names of all keys that there are\n"
"  -l, --list          the names of all jobs (with -l -l: of all accounts)\n"
"  -o, --origin        every key in force, its value and where it is set;\n"
"                      the default without KEY; secrets are shown as ***\n"
"  -s, --shell         KEY='value' lines for a shell to eval\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

static int
list_sections(struct cfg *c, const char *kind)
{
	const char *name;
	size_t i;

	for (i = 0; (name = cfg_section(c, kind, i)) != NULL; i++)
		puts(name);
	return 0;
}

/* A key's line: name = value, then its origin as an INI comment. */
static int
show_key(struct cfg *c, const char *key)
{
	const char *value;
	char *origin;

	if (cfg_level(c, key) == CFG_UNSET)
		return 0;
	if (cfg_key_secret(key))
		value = "***";
	else if (cfg_get(c, key, &value) != 0)
		return -1;
	else if (value == NULL)
		return 0;
	origin = cfg_origin(c, key);
	printf("; %s\n%s =", origin, key);
	/* A value of several lines goes on in lines that begin with a blank. */
	for (; *value != '\0'; value += strcspn(value, "\n"),
	    value += *value == '\n')
		printf(" %.*s\n", (int)strcspn(value, "\n"), value);
	free(origin);
	return 0;
}

static int
show_all(struct cfg *c)
{
	size_t i;

	if (cfg_path(c) != NULL)
		printf("; file %s\n", cfg_path(c));
	for (i = 0; i < cfg_keys(); i++)
		if (show_key(c, cfg_key_name(i)) != 0)
			return -1;
	return 0;
}

static int
list_keys(void)
{
	size_t i;

	for (i = 0; i < cfg_keys(); i++)
		puts(cfg_key_name(i));
	return 0;
}

/* KEY='value', whatever is in the value. */
static void
put_shell(const char *key, const char *value)
{
	printf("%s='", key);
	for (; *value != '\0'; value++)
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	puts("'");
}

static int
show_values(struct cfg *c, char *const keys[], bool shell)
{
	const char *value;

	for (; *keys != NULL; keys++) {
		if (strcmp(*keys, "account") == 0 && cfg_account(c) != NULL) {
			puts(cfg_account(c));
			continue;
		}
		if (cfg_get(c, *keys, &value) != 0)
			return -1;
		if (cfg_key_secret(*keys))
			return msg_error("cannot print '%s': it is a secret",
			    *keys);
		if (shell)
			put_shell(*keys, value != NULL ? value : "");
		else
			puts(value != NULL ? value : "");
	}
	return 0;
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"keys", no_argument, NULL, 'k'},
		{"list", no_argument, NULL, 'l'},
		{"origin", no_argument, NULL, 'o'},
		{"shell", no_argument, NULL, 's'},
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = OPT_COMMON "klos",
	    .longs = longs};
	struct cfg *c;
	int ch, keys = 0, list = 0, origin = 0, shell = 0, rc;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0)
		if (ch == 'k')
			keys = 1;
		else if (ch == 'l')
			list++;
		else if (ch == 'o')
			origin = 1;
		else
			shell = 1;
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (optind < argc && (keys || list || origin))
		return opt_usage(usage, "-k, -l and -o take no KEY");
	if (keys)
		return io_finish(list_keys());
	if (cfg_open(o.account, o.job, &c) != 0)
		return 2;
	if (list)
		rc = list_sections(c, list > 1 ? "account" : "job");
	else if (origin || optind == argc)
		rc = show_all(c);
	else
		rc = show_values(c, argv + optind, shell);
	cfg_free(c);
	return io_finish(rc == 0 ? 0 : 2);
}
