/*
 * libpq reads its own files; this asks it what stands there.
 */
#include "config.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "cfg.h"
#include "mem.h"
#include "num.h"
#include "pgservice.h"

/* NULL without a service, and for a value that is libpq's default. */
static char *
of_service(const char *keyword)
{
	const char *service = getenv("PGSERVICE");
	PQconninfoOption *all, *o;
	char *value = NULL;

	if (service == NULL || *service == '\0')
		return NULL;
	all = PQconndefaults();
	for (o = all; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val != NULL &&
		    *o->val != '\0' && (o->compiled == NULL ||
		    strcmp(o->val, o->compiled) != 0))
			value = mem_dup(o->val);
	PQconninfoFree(all);
	return value;
}

static int
get(struct cfg *c, const char *key, const char *keyword,
    int (*cfg_fn)(struct cfg *, const char *, const char **), char **out)
{
	const char *value;

	*out = cfg_level(c, key) > CFG_DEFAULT ? NULL : of_service(keyword);
	if (*out != NULL)
		return 0;
	if (cfg_fn(c, key, &value) != 0)
		return -1;
	*out = mem_dup(value);
	return 0;
}

int
pgservice_get(struct cfg *c, const char *key, const char *keyword, char **out)
{
	return get(c, key, keyword, cfg_get, out);
}

int
pgservice_need(struct cfg *c, const char *key, const char *keyword, char **out)
{
	return get(c, key, keyword, cfg_need, out);
}

int
pgservice_target(struct cfg *c, char **host, int *port)
{
	int64_t n = 5439;
	char *text = NULL;
	int rc = -1;

	*host = NULL;
	if (pgservice_need(c, "database_hostname", "host", host) == 0 &&
	    pgservice_get(c, "database_port", "port", &text) == 0)
		/* Only the key's own value can be wrong. */
		rc = text != NULL && num_parse(text, 1, 65535, &n) != 0 ?
		    cfg_int(c, "database_port", 1, 65535, &n) : 0;
	*port = (int)n;
	free(text);
	return rc;
}

char *
pgservice_password(const char *host, const char *port, const char *dbname,
    const char *user)
{
	/* It has read its files before it finds that it cannot connect. */
	const char *const keys[] = {"host", "hostaddr", "port", "dbname",
		"user", NULL};
	const char *const values[] = {host, "none", port, dbname, user, NULL};
	PGconn *conn = PQconnectStartParams(keys, values, 0);
	const char *found = conn != NULL ? PQpass(conn) : NULL;
	char *password = found != NULL && *found != '\0' ? mem_dup(found) :
	    NULL;

	PQfinish(conn);
	return password;
}
