/*
 * The configuration: which parts an account has, and whether they are whole.
 */
#include "config.h"

#include <stdlib.h>

#include "cfg.h"
#include "check.h"
#include "msg.h"

static bool
is_set(struct cfg *c, const char *key)
{
	return cfg_level(c, key) > CFG_DEFAULT;
}

static const char *const part_keys[CHECK_PARTS][4] = {
	{"domo_client_id", "domo_client_secret", NULL, NULL},
	{"database_hostname", "database_name", "database_username", NULL},
	{"bucket", NULL, NULL, NULL},
};

/* The database's keys may stand in libpq's service file. */
static bool
is_service(enum check_part part)
{
	const char *service = getenv("PGSERVICE");

	return part == CHECK_DATABASE && service != NULL && *service != '\0';
}

bool
check_has(struct cfg *c, enum check_part part)
{
	const char *const *key;

	for (key = part_keys[part]; *key != NULL; key++)
		if (is_set(c, *key))
			return true;
	return is_service(part);
}

bool
check_complete(struct cfg *c, enum check_part part)
{
	const char *const *key, *value;

	for (key = part_keys[part]; *key != NULL; key++)
		if (cfg_get(c, *key, &value) != 0 || value == NULL)
			return is_service(part);
	return true;
}

bool
check_has_bastion(struct cfg *c)
{
	return is_set(c, "ssh_hostname");
}

/* The keys of one part. All that are missing are named. */
static void
check_keys(struct cfg *c, enum check_part part)
{
	const char *const *key, *unused;

	for (key = part_keys[part]; *key != NULL; key++) {
		check_listen();
		if (!is_service(part) && cfg_need(c, *key, &unused) != 0)
			check_bad("configuration", "%s", "");
	}
}

void
check_config(struct cfg *c, bool all)
{
	bool any = check_has_bastion(c);
	enum check_part part;

	for (part = 0; part < CHECK_PARTS; part++) {
		any = any || check_has(c, part);
		if (all || check_has(c, part))
			check_keys(c, part);
	}
	check_listen();
	if (!all && !any) {
		msg_error("nothing is set for Domo, a bastion, a database or "
		    "a bucket");
		check_bad("configuration", "name an account that has them: "
		    "rs-writeback --check ACCOUNT; rs-writeback --init writes "
		    "one");
	}
	if (check_failed() == 0 && cfg_path(c) != NULL)
		check_ok("configuration", "'%s', only its owner may read it",
		    cfg_path(c));
	else if (check_failed() == 0)
		check_ok("configuration", "all from the environment");
}
