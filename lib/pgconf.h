/*
 * What pgconf.c found and pg.c connects with. pg.h is for all others.
 */
#ifndef RSW_PGCONF_H
#define RSW_PGCONF_H

#include <signal.h>
#include <stdint.h>

struct pg_conf {
	char *host, *port, *dbname, *user;
	char *hostaddr;		/* NULL: that of the host */
	char *password, *password_origin;	/* NULL: libpq may know one */
	char *sslmode;		/* never NULL */
	char *rootcert;		/* a path, or NULL */
	char *where;		/* HOST:PORT/DATABASE */
	int certfd;		/* behind rootcert, -1: none */
	int64_t connect_timeout;	/* seconds */
	const volatile sig_atomic_t *stop;	/* or NULL */
};

#endif
