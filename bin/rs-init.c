/*
 * rs-init: ask for what an account and a job need, in the words of the
 * connector's two panes, and add them to the configuration.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cfg.h"
#include "cfgadd.h"
#include "cfgfile.h"
#include "form.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"

static const char usage[] =
"usage: rs-init [-a ACCOUNT] [-j JOB] [-c]\n"
"Ask for an account and a job, add them to the configuration, check it.\n"
"The answers come from the terminal, or a line each from standard input.\n"
"  -a, --account NAME  the account's name, in place of asking\n"
"  -j, --job NAME      the job's name, in place of asking\n"
"  -c, --no-check      do not try the links at the end\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

static const struct form_field account_fields[] = {
	{"ssh_hostname", "SSH Server Hostname (empty: no bastion)", NULL, 0,
	    NULL, NULL},
	{"ssh_port", "SSH Port", "22", FORM_PORT, "ssh_hostname", NULL},
	{"ssh_username", "SSH Username", NULL, FORM_NEEDED, "ssh_hostname",
	    NULL},
	{"ssh_private_key", "SSH Private Key, its path or text (empty: none)",
	    NULL, FORM_PATH | FORM_KEY, "ssh_hostname", NULL},
	{"ssh_private_key_passphrase", "its passphrase (empty: none)", NULL,
	    FORM_SECRET, "ssh_private_key", NULL},
	{"ssh_password", "SSH Password (empty: none)", NULL, FORM_SECRET,
	    "ssh_hostname", NULL},
	{"ssh_host_key_fingerprint", "the bastion's host key, SHA256:... "
	    "(empty: known_hosts)", NULL, 0, "ssh_hostname", NULL},
	{"database_hostname", "Database Hostname, as the bastion sees it",
	    NULL, FORM_NEEDED, NULL, NULL},
	{"database_port", "Database Port", "5439", FORM_PORT, NULL, NULL},
	{"database_name", "Database Name", "dev", FORM_NEEDED, NULL, NULL},
	{"database_username", "Database Username", NULL, FORM_NEEDED, NULL,
	    NULL},
	{"database_password", "Database Password", NULL, FORM_SECRET, NULL,
	    NULL},
	{"certificate_format", "Certificate Format (none, url)", "url",
	    FORM_WORD, NULL, NULL},
	{"certificate", "Certificate, its address or path",
	    "https://s3.amazonaws.com/redshift-downloads/"
	    "amazon-trust-ca-bundle.crt", FORM_PATH, "certificate_format",
	    "url"},
	{"aws_access_key", "AWS Access Key (empty: profile or role)", NULL, 0,
	    NULL, NULL},
	{"aws_secret_key", "AWS Secret Key", NULL, FORM_SECRET | FORM_NEEDED,
	    "aws_access_key", NULL},
	{"region", "Region", "us-east-1", 0, NULL, NULL},
	{"bucket", "Bucket", NULL, FORM_NEEDED, NULL, NULL},
	{"domo_client_id", "Domo Client ID", NULL, FORM_NEEDED, NULL, NULL},
	{"domo_client_secret", "Domo Client Secret", NULL,
	    FORM_SECRET | FORM_NEEDED, NULL, NULL},
};

static const struct form_field job_fields[] = {
	{"dataset_id", "Input DataSet ID, or its page's address", NULL,
	    FORM_NEEDED, NULL, NULL},
	{"table_name_source", "Table Name Source (dataset_id, dataset_name, "
	    "custom_name)", "dataset_id", FORM_WORD, NULL, NULL},
	{"custom_table_name", "Custom Table Name", NULL, FORM_NEEDED,
	    "table_name_source", "custom_name"},
	{"schema_name", "Schema Name", "public", 0, NULL, NULL},
	{"operation_type", "Operation Type (create, update)", "update",
	    FORM_WORD, NULL, NULL},
	{"append_or_overwrite", "Append Or Overwrite (append, overwrite)",
	    "append", FORM_WORD, "operation_type", "update"},
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool
has_section(struct cfg *c, const char *kind, const char *name)
{
	const char *s;
	size_t i;

	for (i = 0; (s = cfg_section(c, kind, i)) != NULL; i++)
		if (strcmp(s, name) == 0)
			return true;
	return false;
}

/* 0, or -1 having said why there can be no such new section. */
static int
check_name(struct cfg *c, const char *kind, const char *name)
{
	const char *why = NULL;

	if (strpbrk(name, "[]") != NULL)
		why = "a name has no brackets";
	else if (strlen(kind) + 1 + strlen(name) > CFGFILE_NAME_MAX)
		why = "the name is too long";
	else if (c != NULL && has_section(c, kind, name))
		why = "it is there already; edit the configuration, or choose "
		    "another name";
	return why == NULL ? 0 : msg_error("cannot add [%s %s]: %s", kind,
	    name, why);
}

/* The name of a new section; "" if none is wanted. NULL having said why. */
static char *
ask_name(struct cfg *c, const char *kind, const char *given,
    const char *label, const char *fallback)
{
	const struct form_field field = {NULL, label, fallback, 0, NULL, NULL};
	char *name;

	do {
		name = given != NULL ? mem_dup(given) : form_ask(&field);
		if (name == NULL || check_name(c, kind, name) == 0)
			return name;
		free(name);
	} while (given == NULL && form_is_asked());
	return NULL;
}

/* Everything asked; *account and *job are the names, *job "" for none. */
static int
ask_all(struct cfg *c, const struct opt *o, struct buf *out,
    char **account, char **job)
{
	struct buf part;
	int rc = -1;

	buf_init(&part, CFGADD_MAX);
	*account = ask_name(c, "account", o->account, "Name of the account",
	    "default");
	if (*account == NULL ||
	    form_fill(account_fields, N(account_fields), &part) != 0)
		goto out;
	buf_addf(out, "[account %s]\n%s", *account, part.data);
	buf_wipe(&part);
	buf_init(&part, CFGADD_MAX);
	*job = ask_name(c, "job", o->job, "Name of a job (empty: none yet)",
	    NULL);
	if (*job == NULL || (**job != '\0' &&
	    form_fill(job_fields, N(job_fields), &part) != 0))
		goto out;
	if (**job != '\0')
		buf_addf(out, "\n[job %s]\naccount = %s\n%s", *job, *account,
		    part.data);
	rc = 0;
out:
	buf_wipe(&part);
	return rc;
}

/* The configuration as it is, NULL if there is none yet, and its path. */
static int
open_old(struct cfg **c, char **path)
{
	const char *named = getenv("RS_WRITEBACK_CONFIG");

	*c = NULL;
	*path = NULL;
	if (named != NULL && *named != '\0' && access(named, F_OK) != 0 &&
	    errno == ENOENT) {
		*path = mem_dup(named);
		return 0;
	}
	/* A default account must not be looked for: nothing is chosen. */
	if (cfg_open(NULL, NULL, c) != 0)
		return -1;
	*path = mem_dup(cfg_path(*c));
	return *path != NULL ? 0 : msg_error("cannot tell where the "
	    "configuration is to be: set HOME or RS_WRITEBACK_CONFIG");
}

static int
run(const struct opt *o, char **account, char **job)
{
	struct cfg *c;
	struct buf sections;
	char *path;
	int rc;

	rc = open_old(&c, &path);
	buf_init(&sections, CFGADD_MAX);
	if (rc == 0)
		rc = ask_all(c, o, &sections, account, job);
	if (rc == 0)
		rc = cfgadd(path, &sections);
	if (rc == 0 && msg_level() >= 0)
		msg_say("[account %s] is in '%s'", *account, path);
	buf_wipe(&sections);
	cfg_free(c);
	free(path);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"no-check", no_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = OPT_COMMON "c",
	    .longs = longs};
	bool check = true;
	char *account = NULL, *job = NULL;
	int ch, rc;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0)
		check = false;
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (optind < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind]);
	form_start();
	rc = run(&o, &account, &job);
	if (rc == 0 && check) {
		if (*job != '\0')
			execlp("rs-check", "rs-check", "-j", job,
			    (char *)NULL);
		else
			execlp("rs-check", "rs-check", "-a", account,
			    (char *)NULL);
		rc = msg_errno("cannot run 'rs-check'");
	}
	free(account);
	free(job);
	return io_finish(rc == 0 ? 0 : 2);
}
