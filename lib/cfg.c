/*
 * The configuration: which keys there are, and which value is in force.
 * Reading the INI file is cfgfile.c's work; what a value means is for the
 * file that uses it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cfg.h"
#include "cfgfile.h"
#include "command.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "num.h"

/* A value is at most this long: the largest are certificate bundles, Amazon's
 * has 170 kB. */
#define VALUE_MAX_BYTES (1024 * 1024)

/* SQL or a shell's command may well have lines such as "level = 3". */
enum {SECRET = 1, CODE = 2};

/* Every key, those of a job last. `env` names the ecosystem's own variables,
 * after RSW_<KEY>. */
#define FIRST_OF_JOB "dataset_id"
static const struct key {
	const char *name;
	int flags;
	const char *env[2];
	const char *fallback;
} keys[] = {
	{"account", 0, {NULL, NULL}, NULL},
	{"ssh_hostname", 0, {NULL, NULL}, NULL},
	{"ssh_port", 0, {NULL, NULL}, "22"},
	{"ssh_username", 0, {NULL, NULL}, NULL},
	{"ssh_password", SECRET, {NULL, NULL}, NULL},
	{"ssh_private_key", SECRET, {NULL, NULL}, NULL},
	{"ssh_private_key_passphrase", SECRET, {NULL, NULL}, NULL},
	{"ssh_known_hosts", 0, {NULL, NULL}, NULL},
	{"ssh_host_key_fingerprint", 0, {NULL, NULL}, NULL},
	{"ssh_jump", 0, {NULL, NULL}, NULL},
	{"ssh_jump_password", SECRET, {NULL, NULL}, NULL},
	{"ssh_agent", 0, {NULL, NULL}, NULL},
	{"ssh_allow_sha1", 0, {NULL, NULL}, "no"},
	{"ssh_alive", 0, {NULL, NULL}, "30"},
	{"ssh_timeout", 0, {NULL, NULL}, "30"},
	{"ssh_transport", 0, {NULL, NULL}, "libssh2"},
	{"database_hostname", 0, {"PGHOST", NULL}, NULL},
	{"database_hostaddr", 0, {"PGHOSTADDR", NULL}, NULL},
	{"database_port", 0, {"PGPORT", NULL}, "5439"},
	{"database_name", 0, {"PGDATABASE", NULL}, NULL},
	{"database_username", 0, {"PGUSER", NULL}, NULL},
	{"database_password", SECRET, {"PGPASSWORD", NULL}, NULL},
	{"database_connect_timeout", 0, {"PGCONNECT_TIMEOUT", NULL}, NULL},
	{"database_sslmode", 0, {"PGSSLMODE", NULL}, NULL},
	{"database_sslrootcert", 0, {"PGSSLROOTCERT", NULL}, NULL},
	{"certificate_format", 0, {NULL, NULL}, "none"},
	{"certificate", 0, {NULL, NULL}, NULL},
	{"certificate_cacert", 0, {NULL, NULL}, NULL},
	{"aws_access_key", 0, {"AWS_ACCESS_KEY_ID", NULL}, NULL},
	{"aws_secret_key", SECRET, {"AWS_SECRET_ACCESS_KEY", NULL}, NULL},
	{"aws_session_token", SECRET, {"AWS_SESSION_TOKEN", NULL}, NULL},
	{"aws_profile", 0, {"AWS_PROFILE", NULL}, NULL},
	{"iam_role", 0, {NULL, NULL}, NULL},
	{"region", 0, {"AWS_REGION", "AWS_DEFAULT_REGION"}, NULL},
	{"bucket", 0, {NULL, NULL}, NULL},
	{"prefix", 0, {NULL, NULL}, "rs-writeback"},
	{"s3_endpoint_url", 0,
		{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, NULL},
	{"s3_cacert", 0, {NULL, NULL}, NULL},
	{"s3_encryption", 0, {NULL, NULL}, NULL},
	{"s3_kms_key", 0, {NULL, NULL}, NULL},
	{"s3_addressing", 0, {NULL, NULL}, "auto"},
	{"s3_acl", 0, {NULL, NULL}, NULL},
	{"s3_bucket_owner", 0, {NULL, NULL}, NULL},
	{"s3_payload", 0, {NULL, NULL}, "signed"},
	{"s3_attempts", 0, {"AWS_MAX_ATTEMPTS", NULL}, "10"},
	{"s3_tags", 0, {NULL, NULL}, NULL},
	{"compress", 0, {NULL, NULL}, NULL},
	{"level", 0, {NULL, NULL}, NULL},
	{"jobs", 0, {NULL, NULL}, NULL},
	{"uploads", 0, {NULL, NULL}, "4"},
	{"slices", 0, {NULL, NULL}, "2"},
	{"part_size", 0, {NULL, NULL}, "16M"},
	{"null_string", 0, {NULL, NULL}, "\\N"},
	{"null_in", 0, {NULL, NULL}, NULL},
	{"delimiter", 0, {NULL, NULL}, ","},
	{"quote", 0, {NULL, NULL}, "\""},
	{"header", 0, {NULL, NULL}, "yes"},
	{"invalid_utf8", 0, {NULL, NULL}, "fail"},
	{"long_fields", 0, {NULL, NULL}, "fail"},
	{"domo_client_id", 0, {"DOMO_CLIENT_ID", NULL}, NULL},
	{"domo_client_secret", SECRET, {"DOMO_CLIENT_SECRET", NULL}, NULL},
	{"domo_api_url", 0, {"DOMO_API_URL", NULL}, "https://api.domo.com"},
	{"domo_cacert", 0, {NULL, NULL}, NULL},
	{"domo_tries", 0, {NULL, NULL}, "6"},
	{"domo_idle_timeout", 0, {NULL, NULL}, "5m"},
	{"domo_gzip", 0, {NULL, NULL}, "yes"},
	{"dataset_id", 0, {NULL, NULL}, NULL},
	{"domo_columns", 0, {NULL, NULL}, NULL},
	{"domo_where", CODE, {NULL, NULL}, NULL},
	{"domo_since_column", 0, {NULL, NULL}, NULL},
	{"domo_since", 0, {NULL, NULL}, NULL},
	{"domo_limit", 0, {NULL, NULL}, NULL},
	{"domo_count", 0, {NULL, NULL}, "rows"},
	{"domo_formulas", 0, {NULL, NULL}, "raw"},
	{"domo_unescape", 0, {NULL, NULL}, "no"},
	{"domo_spool", 0, {NULL, NULL}, "no"},
	{"table_name_source", 0, {NULL, NULL}, "dataset_id"},
	{"custom_table_name", 0, {NULL, NULL}, NULL},
	{"schema_name", 0, {NULL, NULL}, "public"},
	{"operation_type", 0, {NULL, NULL}, "update"},
	{"append_or_overwrite", 0, {NULL, NULL}, "append"},
	{"merge_keys", 0, {NULL, NULL}, NULL},
	{"replace_where", CODE, {NULL, NULL}, NULL},
	{"evolve", 0, {NULL, NULL}, "add"},
	{"varchar_headroom", 0, {NULL, NULL}, "0"},
	{"diststyle", 0, {NULL, NULL}, NULL},
	{"distkey", 0, {NULL, NULL}, NULL},
	{"sortkey", 0, {NULL, NULL}, NULL},
	{"encode", 0, {NULL, NULL}, NULL},
	{"overwrite_by", 0, {NULL, NULL}, "delete"},
	{"copy_options", CODE, {NULL, NULL}, NULL},
	{"max_errors", 0, {NULL, NULL}, "0"},
	{"target", 0, {NULL, NULL}, "auto"},
	{"ledger", 0, {NULL, NULL}, "rs_writeback_runs"},
	{"load_retries", 0, {NULL, NULL}, "5"},
	{"statement_timeout", 0, {NULL, NULL}, NULL},
	{"query_group", 0, {NULL, NULL}, NULL},
	{"pre_sql", CODE, {NULL, NULL}, NULL},
	{"post_sql", CODE, {NULL, NULL}, NULL},
	{"retries", 0, {NULL, NULL}, "2"},
	{"retry_delay", 0, {NULL, NULL}, "60"},
	{"skip_unchanged", 0, {NULL, NULL}, "no"},
	{"keep_staged", 0, {NULL, NULL}, "no"},
	{"keep_runs", 0, {NULL, NULL}, "50"},
	{"state_dir", 0, {NULL, NULL}, NULL},
	{"on_success", CODE, {NULL, NULL}, NULL},
	{"on_failure", CODE, {NULL, NULL}, NULL},
};
#define NKEYS (sizeof(keys) / sizeof(keys[0]))

/* How a value is given: as it stands, as a file's or a command's output. */
static const char *const forms[] = {"", "_file", "_command"};
enum {AS_IS, AS_FILE, AS_COMMAND, NFORMS};

struct found {
	enum cfg_level level;
	int form;
	const char *text;
	const char *env;			/* CFG_ENV: the variable */
	const struct cfgfile_entry *entry;	/* CFG_JOB, CFG_ACCOUNT */
};

struct cfg {
	struct cfgfile file;
	char *path;
	char *account, *job;
	char *option[NKEYS];
	char *value[NKEYS];	/* read already; secrets are wiped */
};

static size_t
key_index(const char *name)
{
	size_t i;

	for (i = 0; i < NKEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return i;
	return NKEYS;
}

/* How much of a name is the key's, without the end that tells its form. */
static size_t
stem(const char *name)
{
	size_t n = strlen(name), k;
	int f;

	for (f = AS_FILE; f < NFORMS; f++) {
		k = strlen(forms[f]);
		if (n > k && strcmp(name + n - k, forms[f]) == 0)
			return n - k;
	}
	return n;
}

/* The key of a name in one of its three forms; NKEYS if there is none. */
static size_t
form_index(const char *name)
{
	char *key = mem_ndup(name, stem(name));
	size_t i = key_index(key);

	free(key);
	return i < NKEYS ? i : key_index(name);
}

bool
cfg_slip(const char *above, const char *name)
{
	size_t i = form_index(above);

	if (i < NKEYS && (keys[i].flags & CODE))
		return false;
	return strcmp(above + stem(above), forms[AS_COMMAND]) != 0 &&
	    form_index(name) < NKEYS;
}

/* The edit distance of two short names; for "did you mean". */
static size_t
distance(const char *a, const char *b)
{
	size_t row[64], i, j, diag, up, n = strlen(b);

	if (n >= 63 || strlen(a) >= 63)
		return 63;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			up = row[j];
			row[j] = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diag = up;
		}
	}
	return row[n];
}

static const char *
nearest(const char *name)
{
	size_t i, d, best = 63, at = 0;
	char *key = mem_ndup(name, stem(name));

	for (i = 0; i < NKEYS; i++) {
		d = distance(key, keys[i].name);
		if (d < best) {
			best = d;
			at = i;
		}
	}
	i = strlen(key);
	free(key);
	return best <= 2 + i / 4 ? keys[at].name : NULL;
}

static int
check_entries(const struct cfg *c)
{
	const struct cfgfile_entry *e;
	const char *near;
	size_t i;

	for (i = 0; i < c->file.n; i++) {
		e = &c->file.entry[i];
		if (form_index(e->key) < NKEYS)
			continue;
		near = nearest(e->key);
		return msg_error("cannot use '%s': line %d: unknown key '%s'"
		    "%s%s%s", c->path, e->line, e->key,
		    near != NULL ? "; did you mean '" : "",
		    near != NULL ? near : "", near != NULL ? "'?" : "");
	}
	return 0;
}

/* The file's path. *named tells that the user chose it. NULL: no HOME. */
static char *
config_path(bool *named)
{
	const char *p;

	*named = false;
	if ((p = getenv("RS_WRITEBACK_CONFIG")) != NULL && *p != '\0') {
		*named = true;
		return mem_dup(p);
	}
	if ((p = getenv("XDG_CONFIG_HOME")) != NULL && *p == '/')
		return mem_fmt("%s/rs-writeback/config", p);
	if ((p = getenv("HOME")) != NULL && *p != '\0')
		return mem_fmt("%s/.config/rs-writeback/config", p);
	return NULL;
}

static int
load_file(struct cfg *c, bool needed)
{
	struct buf text;
	bool named;
	int rc;

	c->path = config_path(&named);
	if (c->path == NULL)
		return needed ? msg_error("cannot find the configuration: "
		    "neither RS_WRITEBACK_CONFIG nor HOME is set") : 0;
	if (!named && !needed && access(c->path, F_OK) != 0)
		return 0;
	buf_init(&text, 4 * VALUE_MAX_BYTES);
	rc = io_slurp_file(c->path, &text, true);
	if (rc == 0)
		rc = cfgfile_parse(c->path, text.data, text.len, cfg_slip,
		    &c->file);
	buf_wipe(&text);
	return rc == 0 ? check_entries(c) : rc;
}

static int
choose(struct cfg *c, const char *account, const char *job)
{
	const char *name = account;

	c->job = mem_dup(job);
	if (job != NULL && !cfgfile_has(&c->file, "job", job))
		return msg_error("cannot find [job %s] in '%s'", job, c->path);
	if (name == NULL && cfg_get(c, "account", &name) != 0)
		return -1;
	if (name == NULL && cfgfile_has(&c->file, "account", "default"))
		name = "default";
	c->account = mem_dup(name);
	if (name != NULL && !cfgfile_has(&c->file, "account", name))
		return msg_error("cannot find [account %s] in '%s'", name,
		    c->path != NULL ? c->path : "any file");
	return 0;
}

int
cfg_open(const char *account, const char *job, struct cfg **out)
{
	struct cfg *c = mem_zero(1, sizeof(*c));

	if (load_file(c, account != NULL || job != NULL) != 0 ||
	    choose(c, account, job) != 0) {
		cfg_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
cfg_free(struct cfg *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < NKEYS; i++) {
		free(c->option[i]);
		mem_wipe_str(c->value[i]);
	}
	cfgfile_release(&c->file);
	free(c->path);
	free(c->account);
	free(c->job);
	free(c);
}

void
cfg_set(struct cfg *c, const char *key, const char *value)
{
	size_t i = key_index(key);

	free(c->option[i]);
	c->option[i] = mem_dup(value);
	mem_wipe_str(c->value[i]);
	c->value[i] = NULL;
}

/* RSW_<KEY><FORM> in capitals; freed by the caller. */
static char *
env_name(const char *key, int form)
{
	char *s = mem_fmt("RSW_%s%s", key, forms[form]);
	char *p;

	for (p = s; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return s;
}

static bool
find_env(const struct key *k, struct found *f)
{
	char *name;
	int form;
	size_t i;

	for (form = 0; form < NFORMS; form++) {
		name = env_name(k->name, form);
		f->text = getenv(name);
		free(name);
		if (f->text != NULL && *f->text != '\0') {
			f->level = CFG_ENV;
			f->form = form;
			return true;
		}
	}
	for (i = 0; i < 2 && k->env[i] != NULL; i++) {
		f->text = getenv(k->env[i]);
		if (f->text != NULL && *f->text != '\0') {
			f->level = CFG_ENV;
			f->form = AS_IS;
			f->env = k->env[i];
			return true;
		}
	}
	return false;
}

static bool
find_section(const struct cfg *c, const struct key *k, const char *kind,
    const char *section, struct found *f)
{
	char *name;
	int form;

	if (section == NULL)
		return false;
	for (form = 0; form < NFORMS; form++) {
		name = mem_fmt("%s%s", k->name, forms[form]);
		f->entry = cfgfile_find(&c->file, kind, section, name);
		free(name);
		if (f->entry != NULL && *f->entry->value != '\0') {
			f->form = form;
			f->text = f->entry->value;
			f->level = *kind == 'j' ? CFG_JOB : CFG_ACCOUNT;
			return true;
		}
	}
	return false;
}

/* Which text is in force for key i, without reading files or commands. */
static struct found
find(const struct cfg *c, size_t i)
{
	struct found f = {.level = CFG_UNSET};

	if (c->option[i] != NULL) {
		f.level = CFG_OPTION;
		f.text = c->option[i];
		return f;
	}
	if (find_env(&keys[i], &f) ||
	    find_section(c, &keys[i], "job", c->job, &f) ||
	    find_section(c, &keys[i], "account", c->account, &f))
		return f;
	f = (struct found){.level = CFG_UNSET};
	if (keys[i].fallback != NULL) {
		f.level = CFG_DEFAULT;
		f.text = keys[i].fallback;
	}
	return f;
}

/* In words; freed by the caller. */
static char *
found_origin(const struct cfg *c, size_t i, const struct found *f)
{
	char *env, *s;

	switch (f->level) {
	case CFG_OPTION:
		return mem_dup("option");
	case CFG_ENV:
		if (f->env != NULL)
			return mem_fmt("environment %s", f->env);
		env = env_name(keys[i].name, f->form);
		s = mem_fmt("environment %s", env);
		free(env);
		return s;
	case CFG_JOB:
	case CFG_ACCOUNT:
		return mem_fmt("[%s %s] of '%s', line %d",
		    f->level == CFG_JOB ? "job" : "account",
		    f->level == CFG_JOB ? c->job : c->account, c->path,
		    f->entry->line);
	case CFG_DEFAULT:
		return mem_dup("default");
	case CFG_UNSET:
		break;
	}
	return mem_dup("not set");
}

/* ~/x, or a path relative to the configuration file when it stands there. */
static char *
expand_path(const struct cfg *c, const struct found *f)
{
	const char *home = getenv("HOME"), *slash;

	if (strncmp(f->text, "~/", 2) == 0 && home != NULL)
		return mem_fmt("%s/%s", home, f->text + 2);
	if (*f->text == '/' || f->entry == NULL ||
	    (slash = strrchr(c->path, '/')) == NULL)
		return mem_dup(f->text);
	return mem_fmt("%.*s/%s", (int)(slash - c->path), c->path, f->text);
}

static int
read_file(const struct cfg *c, size_t i, const struct found *f, struct buf *b)
{
	char *path = expand_path(c, f), *origin;
	int rc = io_slurp_file(path, b, keys[i].flags & SECRET);

	free(path);
	if (rc == 0)
		return 0;
	origin = found_origin(c, i, f);
	msg_error("cannot use '%s_file' (%s)", keys[i].name, origin);
	free(origin);
	return -1;
}

static int
read_value(struct cfg *c, size_t i, const struct found *f)
{
	struct buf b;
	char *origin, *what;
	int rc;

	if (f->form == AS_IS) {
		c->value[i] = mem_dup(f->text);
		return 0;
	}
	buf_init(&b, VALUE_MAX_BYTES);
	if (f->form == AS_FILE) {
		rc = read_file(c, i, f, &b);
	} else {
		origin = found_origin(c, i, f);
		what = mem_fmt("the command of '%s' (%s)", keys[i].name,
		    origin);
		rc = command_output(what, f->text, &b);
		free(what);
		free(origin);
	}
	if (rc == 0 && memchr(b.data, '\0', b.len) != NULL)
		rc = msg_error("cannot use the value of '%s': it holds a NUL "
		    "byte", keys[i].name);
	/* The last line's end belongs to the file, not to the value. */
	while (b.len > 0 && (b.data[b.len - 1] == '\n' ||
	    b.data[b.len - 1] == '\r'))
		b.data[--b.len] = '\0';
	if (rc == 0)
		c->value[i] = mem_dup(b.data);
	buf_wipe(&b);
	return rc;
}

int
cfg_get(struct cfg *c, const char *key, const char **out)
{
	size_t i = key_index(key);
	struct found f;

	*out = NULL;
	if (i == NKEYS)
		return msg_error("cannot look up '%s': no such key", key);
	if (c->value[i] == NULL) {
		f = find(c, i);
		if (f.level == CFG_UNSET)
			return 0;
		if (read_value(c, i, &f) != 0)
			return -1;
	}
	*out = *c->value[i] != '\0' ? c->value[i] : NULL;
	return 0;
}

/* Where a key can be set: the sections that are chosen, as they are meant. */
static char *
place(const struct cfg *c, size_t i)
{
	const char *kind = i >= key_index(FIRST_OF_JOB) ? "job" : "account";
	const char *name = *kind == 'j' ? c->job : c->account;

	if (name == NULL && c->job != NULL) {
		kind = "job";
		name = c->job;
	}
	if (name != NULL)
		return mem_fmt("set it in [%s %s] of '%s'", kind, name,
		    c->path);
	return mem_fmt("choose %s that has it (%s)", *kind == 'j' ? "a job" :
	    "an account or a job", *kind == 'j' ? "-j JOB" :
	    "-a ACCOUNT, -j JOB");
}

int
cfg_need(struct cfg *c, const char *key, const char **out)
{
	char *env, *where;
	const char *other;
	size_t i;

	if (cfg_get(c, key, out) != 0)
		return -1;
	if (*out != NULL)
		return 0;
	i = key_index(key);
	other = keys[i].env[0];
	env = env_name(key, AS_IS);
	where = place(c, i);
	msg_error("cannot go on without '%s': %s, or set %s%s%s in the "
	    "environment", key, where, env, other != NULL ? " or " : "",
	    other != NULL ? other : "");
	free(env);
	free(where);
	return -1;
}

int
cfg_int(struct cfg *c, const char *key, int64_t min, int64_t max,
    int64_t *out)
{
	const char *s;
	char *origin;

	if (cfg_get(c, key, &s) != 0)
		return -1;
	if (s == NULL || num_parse(s, min, max, out) == 0)
		return 0;
	origin = cfg_origin(c, key);
	msg_error("cannot use '%s' as '%s' (%s): not a number from %lld to "
	    "%lld", s, key, origin, (long long)min, (long long)max);
	free(origin);
	return -1;
}

int
cfg_bool(struct cfg *c, const char *key, bool *out)
{
	const char *s;
	char *origin;

	if (cfg_get(c, key, &s) != 0)
		return -1;
	if (s == NULL || num_bool(s, out) == 0)
		return 0;
	origin = cfg_origin(c, key);
	msg_error("cannot use '%s' as '%s' (%s): say yes or no", s, key,
	    origin);
	free(origin);
	return -1;
}

enum cfg_level
cfg_level(struct cfg *c, const char *key)
{
	size_t i = key_index(key);

	return i == NKEYS ? CFG_UNSET : find(c, i).level;
}

char *
cfg_origin(struct cfg *c, const char *key)
{
	size_t i = key_index(key);
	struct found f = find(c, i);

	return found_origin(c, i, &f);
}

size_t
cfg_keys(void)
{
	return NKEYS;
}

const char *
cfg_key_name(size_t i)
{
	return keys[i].name;
}

bool
cfg_key_secret(const char *key)
{
	size_t i = key_index(key);

	return i == NKEYS || (keys[i].flags & SECRET);
}

const char *
cfg_job(struct cfg *c)
{
	return c->job;
}

const char *
cfg_account(struct cfg *c)
{
	return c->account;
}

const char *
cfg_section(struct cfg *c, const char *kind, size_t i)
{
	return cfgfile_section(&c->file, kind, i);
}

const char *
cfg_path(struct cfg *c)
{
	return c->path;
}
