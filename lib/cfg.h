/*
 * What is in force: each key's value by option, environment, job, account
 * or default, in this order, from one INI file and the environment.
 * rs-writeback.conf(5) is the same for users.
 */
#ifndef RSW_CFG_H
#define RSW_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfg;

/*
 * Read the configuration file ($RS_WRITEBACK_CONFIG, else
 * $XDG_CONFIG_HOME/rs-writeback/config, else ~/.config/...) and choose the
 * sections [account ACCOUNT] and [job JOB]; either may be NULL. Without an
 * account: $RSW_ACCOUNT, the job's `account` key, [account default], none.
 * No file is fine as long as none is named and no section is asked for.
 * 0 and *out (free with cfg_free), or -1 having said why.
 */
int cfg_open(const char *account, const char *job, struct cfg **out);

/* Frees, and wipes the secrets. NULL is fine. */
void cfg_free(struct cfg *);

/* An option's value, which outranks all else. The key must be known and not
 * a secret (argv is readable by every user of the machine). */
void cfg_set(struct cfg *, const char *key, const char *value);

/*
 * A key's value. 0 and *out, which is NULL if the key is not set (an empty
 * value counts as not set), or -1 having said why (its file or command
 * failed). *out lives as long as the cfg. The key must be in the list.
 */
int cfg_get(struct cfg *, const char *key, const char **out);

/* The same, but a value that is not set is an error: the message names the
 * key and the places where it can be set. */
int cfg_need(struct cfg *, const char *key, const char **out);

/* A whole number, a yes/no. Out of bounds is an error. If the key has no
 * value, *out keeps what it held. */
int cfg_int(struct cfg *, const char *key, int64_t min, int64_t max,
    int64_t *out);
int cfg_bool(struct cfg *, const char *key, bool *out);

/*
 * Where a value came from: CFG_UNSET, CFG_DEFAULT, ... and in words for
 * people ("[job x], line 7 of /path", "environment RSW_BUCKET"); the words
 * are freed with free(). Neither runs a command or opens a file.
 */
enum cfg_level {CFG_UNSET, CFG_DEFAULT, CFG_ACCOUNT, CFG_JOB, CFG_ENV,
	CFG_OPTION};
enum cfg_level cfg_level(struct cfg *, const char *key);
char *cfg_origin(struct cfg *, const char *key);

/* As cfgfile.h has it: for a file that is to be read by cfg_open(). */
bool cfg_slip(const char *above, const char *name);

/* The list of keys, in the order of the manual. */
size_t cfg_keys(void);
const char *cfg_key_name(size_t i);
bool cfg_key_secret(const char *key);

/* The names of the chosen sections, NULL if none; of all jobs or accounts
 * (kind "job" or "account") in the order of the file, NULL at the end. */
const char *cfg_job(struct cfg *);
const char *cfg_account(struct cfg *);
const char *cfg_section(struct cfg *, const char *kind, size_t i);
const char *cfg_path(struct cfg *);

#endif
