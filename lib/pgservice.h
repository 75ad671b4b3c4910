/*
 * What the configuration leaves to libpq's own files: pg_service.conf(5), and
 * the password file behind a tunnel.
 */
#ifndef RSW_PGSERVICE_H
#define RSW_PGSERVICE_H

struct cfg;

/* The value of a database_* key; if neither the environment nor a section
 * sets it, that of libpq's `keyword` in the service that PGSERVICE names; else
 * the key's default. *out is NULL if there is none; freed by the caller. 0, or
 * -1 having said why. */
int pgservice_get(struct cfg *, const char *key, const char *keyword,
    char **out);

/* The same, but a value that is not set is an error. */
int pgservice_need(struct cfg *, const char *key, const char *keyword,
    char **out);

/* The host and the port of the database, as the bastion is to know them. */
int pgservice_target(struct cfg *, char **host, int *port);

/* The password that libpq's password file has for this port, NULL if none;
 * wiped by the caller. Through a tunnel libpq would look for the port of its
 * near end. */
char *pgservice_password(const char *host, const char *port,
    const char *dbname, const char *user);

#endif
