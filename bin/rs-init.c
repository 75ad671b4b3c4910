/*
 * rs-init: ask for what an account and a job need, in the words of the
 * connector's two panes, and add them to the configuration. What is there
 * stays as it is, byte by byte.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "cfg.h"
#include "cfgfile.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"

#define CONFIG_MAX (4 * 1024 * 1024)	/* what the programs read */
#define ANSWER_MAX 8192			/* more than any token has */

static const char usage[] =
"usage: rs-init [-a ACCOUNT] [-j JOB] [-c]\n"
"Ask for an account and a job, add them to the configuration, check it.\n"
"The answers come from the terminal, or a line each from standard input.\n"
"  -a, --account NAME  the account's name, in place of asking\n"
"  -j, --job NAME      the job's name, in place of asking\n"
"  -c, --no-check      do not try the links at the end\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

enum {SECRET = 1, NEEDED = 2, PATH = 4};

struct field {
	const char *key, *label, *fallback;
	int flags;
	const char *with;	/* asked only if this key has an answer, or */
	const char *is;		/* this one */
};

static const struct field account_fields[] = {
	{"ssh_hostname", "SSH Server Hostname (empty: no bastion)", NULL, 0,
	    NULL, NULL},
	{"ssh_port", "SSH Port", "22", 0, "ssh_hostname", NULL},
	{"ssh_username", "SSH Username", NULL, NEEDED, "ssh_hostname", NULL},
	{"ssh_private_key", "SSH Private Key, its path (empty: none)", NULL,
	    PATH, "ssh_hostname", NULL},
	{"ssh_private_key_passphrase", "its passphrase (empty: none)", NULL,
	    SECRET, "ssh_private_key", NULL},
	{"ssh_password", "SSH Password (empty: none)", NULL, SECRET,
	    "ssh_hostname", NULL},
	{"ssh_host_key_fingerprint", "the bastion's host key, SHA256:... "
	    "(empty: known_hosts)", NULL, 0, "ssh_hostname", NULL},
	{"database_hostname", "Database Hostname, as the bastion sees it",
	    NULL, NEEDED, NULL, NULL},
	{"database_port", "Database Port", "5439", 0, NULL, NULL},
	{"database_name", "Database Name", "dev", NEEDED, NULL, NULL},
	{"database_username", "Database Username", NULL, NEEDED, NULL, NULL},
	{"database_password", "Database Password", NULL, SECRET, NULL, NULL},
	{"certificate_format", "Certificate Format (none, url)", "url", 0,
	    NULL, NULL},
	{"certificate", "Certificate, its address or path",
	    "https://s3.amazonaws.com/redshift-downloads/"
	    "amazon-trust-ca-bundle.crt", 0, "certificate_format", "url"},
	{"aws_access_key", "AWS Access Key (empty: profile or role)", NULL, 0,
	    NULL, NULL},
	{"aws_secret_key", "AWS Secret Key", NULL, SECRET | NEEDED,
	    "aws_access_key", NULL},
	{"region", "Region", "us-east-1", 0, NULL, NULL},
	{"bucket", "Bucket", NULL, NEEDED, NULL, NULL},
	{"domo_client_id", "Domo Client ID", NULL, NEEDED, NULL, NULL},
	{"domo_client_secret", "Domo Client Secret", NULL, SECRET | NEEDED,
	    NULL, NULL},
};

static const struct field job_fields[] = {
	{"dataset_id", "Input DataSet ID, or its page's address", NULL,
	    NEEDED, NULL, NULL},
	{"table_name_source", "Table Name Source (dataset_id, dataset_name, "
	    "custom_name)", "dataset_id", 0, NULL, NULL},
	{"custom_table_name", "Custom Table Name", NULL, NEEDED,
	    "table_name_source", "custom_name"},
	{"schema_name", "Schema Name", "public", 0, NULL, NULL},
	{"operation_type", "Operation Type (create, update)", "update", 0,
	    NULL, NULL},
	{"append_or_overwrite", "Append Or Overwrite (append, overwrite)",
	    "append", 0, "operation_type", "update"},
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool terminal;		/* stdin is one */

/* A line of stdin, NULL at its end. */
static char *
read_answer(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, stdin);

	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n >= 0)
		return line;
	free(line);
	return NULL;
}

/* Ask until the answer can stand in the file. NULL having said why. */
static char *
ask(const char *label, const char *fallback, int flags)
{
	char *prompt, *answer, *p;

	for (;;) {
		prompt = fallback != NULL ? mem_fmt("%s [%s]: ", label,
		    fallback) : mem_fmt("%s: ", label);
		answer = terminal ? ask_line(prompt, !(flags & SECRET)) :
		    read_answer();
		free(prompt);
		if (answer == NULL) {
			msg_error("cannot go on: the answers end before '%s'; "
			    "nothing was written", label);
			return NULL;
		}
		for (p = answer; (unsigned char)*p >= ' '; p++)
			;
		if (*p == '\0' && strlen(answer) < ANSWER_MAX &&
		    *answer != ' ' && (p == answer || p[-1] != ' ')) {
			if (*answer != '\0' || (fallback == NULL &&
			    !(flags & NEEDED)))
				return answer;
			if (fallback != NULL) {
				free(answer);
				return mem_dup(fallback);
			}
			msg_error("'%s' is needed", label);
		} else {
			msg_error("'%s' cannot begin or end with a blank, nor "
			    "have control characters", label);
		}
		mem_wipe_str(answer);
		if (!terminal)
			return NULL;
	}
}

/* The answer that text, a section's lines, has for a key; NULL: none. */
static char *
answered(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *p;

	for (p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, key, n) == 0 && strncmp(p + n, " = ", 3) == 0)
			return mem_ndup(p + n + 3, strcspn(p + n + 3, "\n"));
	return NULL;
}

static bool
wanted(const struct field *f, const char *text)
{
	char *v;
	bool yes;

	if (f->with == NULL)
		return true;
	v = answered(text, f->with);
	yes = v != NULL && (f->is == NULL || strcmp(v, f->is) == 0);
	mem_wipe_str(v);
	return yes;
}

static int
ask_fields(const struct field *f, size_t n, struct buf *out)
{
	char *answer, *real;

	for (; n > 0; n--, f++) {
		if (!wanted(f, out->data))
			continue;
		answer = ask(f->label, f->fallback, f->flags);
		if (answer == NULL)
			return -1;
		/* From here, not from where the configuration is. */
		if ((f->flags & PATH) && *answer != '\0' && *answer != '~' &&
		    (real = realpath(answer, NULL)) != NULL) {
			free(answer);
			answer = real;
		}
		if (*answer != '\0' && buf_addf(out, "%s = %s\n", f->key,
		    answer) != 0) {
			mem_wipe_str(answer);
			return msg_error("cannot hold so long answers");
		}
		mem_wipe_str(answer);
	}
	return 0;
}

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

/* The name of a new section; "" if none is wanted. NULL having said why. */
static char *
ask_name(struct cfg *c, const char *kind, const char *given,
    const char *label, const char *fallback)
{
	char *name = given != NULL ? mem_dup(given) : ask(label, fallback, 0);

	if (name != NULL && (strpbrk(name, "[]") != NULL ||
	    (c != NULL && has_section(c, kind, name)))) {
		msg_error("cannot add [%s %s]: %s", kind, name,
		    strpbrk(name, "[]") != NULL ? "a name has no brackets" :
		    "it is there already; edit the configuration, or choose "
		    "another name");
		free(name);
		return NULL;
	}
	return name;
}

/* Everything asked; *account is the name. */
static int
ask_all(struct cfg *c, const struct opt_common *o, struct buf *out,
    char **account)
{
	struct buf part;
	char *job = NULL;
	int rc = -1;

	buf_init(&part, CONFIG_MAX);
	*account = ask_name(c, "account", o->account, "Name of the account",
	    "default");
	if (*account == NULL ||
	    ask_fields(account_fields, N(account_fields), &part) != 0)
		goto out;
	buf_addf(out, "[account %s]\n%s", *account, part.data);
	buf_wipe(&part);
	buf_init(&part, CONFIG_MAX);
	job = ask_name(c, "job", o->job, "Name of a job (empty: none yet)",
	    NULL);
	if (job == NULL || (*job != '\0' &&
	    ask_fields(job_fields, N(job_fields), &part) != 0))
		goto out;
	if (*job != '\0')
		buf_addf(out, "\n[job %s]\naccount = %s\n%s", job, *account,
		    part.data);
	rc = 0;
out:
	buf_wipe(&part);
	free(job);
	return rc;
}

/* Directories above path, 0700. */
static void
make_parents(const char *path)
{
	char *p, *copy = mem_dup(path);

	for (p = copy + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(copy, 0700);
		*p = '/';
	}
	free(copy);
}

/* Beside the file, then in its place: it is whole at every moment. */
static int
replace(const char *path, const struct buf *text)
{
	char *real = realpath(path, NULL);	/* it may be a link */
	const char *to = real != NULL ? real : path;
	char *tmp;
	int fd, rc = -1;

	make_parents(to);
	tmp = mem_fmt("%s.XXXXXX", to);
	fd = mkostemp(tmp, O_CLOEXEC);		/* 0600 */
	if (fd < 0) {
		msg_errno("cannot write beside '%s'", to);
	} else if (io_write_full(fd, text->data, text->len) != 0 ||
	    fsync(fd) != 0 || rename(tmp, to) != 0) {
		msg_errno("cannot write '%s'", to);
		unlink(tmp);
	} else {
		rc = 0;
	}
	if (fd >= 0)
		close(fd);
	free(tmp);
	free(real);
	return rc;
}

static int
add(const char *path, const struct buf *sections)
{
	struct cfgfile file;
	struct buf text;
	int rc = 0;

	buf_init(&text, CONFIG_MAX);
	if (access(path, F_OK) == 0)
		rc = io_slurp_file(path, &text, true);
	if (rc == 0 && text.len > 0 && text.data[text.len - 1] != '\n')
		rc = buf_addc(&text, '\n');
	if (rc == 0 && text.len > 0)
		rc = buf_addc(&text, '\n');
	if (rc == 0 && buf_add(&text, sections->data, sections->len) != 0)
		rc = msg_error("cannot write '%s': it would be longer than %d "
		    "bytes", path, CONFIG_MAX);
	/* What the programs could not read must not take the old one's
	 * place. */
	memset(&file, 0, sizeof(file));
	if (rc == 0)
		rc = cfgfile_parse(path, text.data, text.len, cfg_slip,
		    &file);
	cfgfile_release(&file);
	if (rc == 0)
		rc = replace(path, &text);
	buf_wipe(&text);
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
run(const struct opt_common *o, char **account)
{
	struct cfg *c;
	struct buf sections;
	char *path;
	int rc;

	*account = NULL;
	rc = open_old(&c, &path);
	buf_init(&sections, CONFIG_MAX);
	if (rc == 0)
		rc = ask_all(c, o, &sections, account);
	if (rc == 0)
		rc = add(path, &sections);
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
	struct opt_common common = {NULL, NULL};
	bool check = true;
	char *account;
	int ch, rc;

	io_start();
	msg_init(argv[0]);
	while ((ch = getopt_long(argc, argv, OPT_COMMON "c", longs,
	    NULL)) != -1) {
		if (ch == 'c')
			check = false;
		else if ((rc = (int)opt_common(ch, argv, &common, usage)) !=
		    OPT_GO)
			return rc == OPT_DONE ? io_finish(0) : 2;
	}
	if (optind < argc)
		return opt_usage(usage, "unexpected argument '%s'",
		    argv[optind]);
	terminal = isatty(STDIN_FILENO) && ask_possible();
	rc = run(&common, &account);
	if (rc == 0 && check) {
		execlp("rs-check", "rs-check", "-a", account, (char *)NULL);
		rc = msg_errno("cannot run 'rs-check'");
	}
	free(account);
	return io_finish(rc == 0 ? 0 : 2);
}
