/*
 * Where the database is and how to reach it, out of the configuration; the
 * certificate becomes a file that only this process can name.
 */
#include "config.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "pg.h"
#include "pgconf.h"
#include "pgservice.h"
#include "retry.h"

/* Amazon's bundle of CAs has 170 kB. */
#define CERT_MAX (1024 * 1024)

/*
 * libpq puts these into the startup packet, where Redshift refuses some
 * (DateStyle, TimeZone, geqo as options), or they change how often and how
 * it connects. PGPASSFILE, PGSERVICE and PGSSLCERT and its like stay.
 */
static const char *const unwanted[] = {
	"PGOPTIONS", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCLIENTENCODING",
	"PGAPPNAME", "PGREQUIRESSL", "PGREQUIREAUTH", "PGREQUIREPEER",
	"PGCHANNELBINDING", "PGTARGETSESSIONATTRS", "PGGSSENCMODE",
	"PGCONNECT_TIMEOUT", "PGSSLNEGOTIATION", "PGMAXPROTOCOLVERSION",
	"PGLOADBALANCEHOSTS", NULL
};

/* Is there at least one certificate in the text? Its first words tell a
 * page or a key from a certificate before a confusing TLS error does. */
static int
check_pem(const char *text, size_t len, const char *from)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (x == NULL)
		return msg_error("cannot use the certificate (%s): it is not "
		    "one in PEM form, which begins with '-----BEGIN "
		    "CERTIFICATE-----'", from);
	X509_free(x);
	return 0;
}

/* sslrootcert as a memfd: no file that others could read or exchange. */
static int
keep_cert(struct pg_conf *p, const struct buf *text, const char *from)
{
	if (check_pem(text->data, text->len, from) != 0)
		return -1;
	p->certfd = memfd_create("rootcert", MFD_CLOEXEC);
	if (p->certfd < 0 || io_write_full(p->certfd, text->data,
	    text->len) != 0)
		return msg_errno("cannot keep the certificate in memory");
	p->rootcert = mem_fmt("/proc/self/fd/%d", p->certfd);
	return 0;
}

/* *fate becomes FATE_AGAIN if the same may work later. */
static int
fetch(struct cfg *c, const char *url, struct buf *out, enum fate *fate)
{
	struct http_request req = {.method = "GET", .url = url,
		.total_timeout = 60};
	struct retry retry = {.tries = 4, .base = 1, .cap = 10};
	struct http_reply reply;
	const char *cacert;
	enum http_result rc;
	struct http *h;

	if (cfg_get(c, "certificate_cacert", &cacert) != 0)
		return -1;
	if (strncmp(url, "http:", 5) == 0)
		msg_warn("the certificate comes from '%s' without https: who "
		    "can change it on the way can pose as the database", url);
	h = http_new(cacert);
	http_reply_init(&reply);
	do {
		rc = http_do(h, &req, &reply);
	} while ((rc == HTTP_AGAIN || (rc == HTTP_OK && reply.status >= 500)) &&
	    retry_wait(&retry, http_retry_after(&reply)));
	if (rc == HTTP_AGAIN || (rc == HTTP_OK && reply.status >= 500))
		*fate = FATE_AGAIN;
	if (rc != HTTP_OK)
		msg_error("cannot fetch the certificate from '%s': %s", url,
		    reply.error);
	else if (reply.status != 200)
		msg_error("cannot fetch the certificate from '%s': the server "
		    "answers %d%s", url, reply.status, reply.status / 100 ==
		    3 ? " (set the address it leads to)" : "");
	else if (buf_add(out, reply.body.data, reply.body.len) == 0)
		rc = HTTP_STOPPED;	/* nothing is left to say */
	else
		msg_error("cannot use the certificate of '%s': it is larger "
		    "than %d bytes", url, CERT_MAX);
	http_reply_release(&reply);
	http_free(h);
	return rc == HTTP_STOPPED ? 0 : -1;
}

static int
take_cert(struct pg_conf *p, struct cfg *c, const char *format,
    enum fate *fate)
{
	const char *value;
	struct buf text;
	int rc;

	if (strcmp(format, "none") == 0)
		return 0;
	if (cfg_need(c, "certificate", &value) != 0)
		return -1;
	buf_init(&text, CERT_MAX);
	if (strcmp(format, "text") == 0) {
		rc = buf_adds(&text, value);
		value = "text";
	} else if (strncmp(value, "https://", 8) == 0 ||
	    strncmp(value, "http://", 7) == 0) {
		rc = fetch(c, value, &text, fate);
	} else {
		if (strncmp(value, "file://", 7) == 0)
			value += 7;
		rc = io_slurp_file(value, &text, false);
	}
	if (rc == 0)
		rc = keep_cert(p, &text, value);
	buf_release(&text);
	return rc;
}

/*
 * The TLS mode: what the user wrote, else verify-full whenever there is a
 * certificate, else require. allow and prefer connect in the clear when they
 * are told to, and try a wrong password twice, with which half of the tries
 * that Redshift allows would be gone.
 */
static int
take_tls(struct pg_conf *p, struct cfg *c, enum fate *fate)
{
	const char *format, *mode;

	if (cfg_get(c, "certificate_format", &format) != 0 ||
	    pgservice_get(c, "database_sslmode", "sslmode",
	    &p->sslmode) != 0)
		return -1;
	mode = p->sslmode;
	if (format == NULL)
		format = "none";
	if (strcmp(format, "none") != 0 && strcmp(format, "text") != 0 &&
	    strcmp(format, "url") != 0)
		return msg_error("cannot use '%s' as 'certificate_format': it "
		    "is none, text or url", format);
	if (mode != NULL && strcmp(mode, "disable") != 0 &&
	    strcmp(mode, "require") != 0 && strcmp(mode, "verify-ca") != 0 &&
	    strcmp(mode, "verify-full") != 0)
		return msg_error("cannot use '%s' as 'database_sslmode': it is "
		    "disable, require, verify-ca or verify-full%s", mode,
		    strcmp(mode, "prefer") == 0 || strcmp(mode, "allow") == 0 ?
		    " (this one would try a password twice, and Redshift locks "
		    "a user after five wrong ones)" : "");
	if (take_cert(p, c, format, fate) != 0)
		return -1;
	if (p->rootcert == NULL && pgservice_get(c, "database_sslrootcert",
	    "sslrootcert", &p->rootcert) != 0)
		return -1;
	if (p->sslmode == NULL)
		p->sslmode = mem_dup(p->rootcert != NULL ? "verify-full" :
		    "require");
	return 0;
}

/* Of the configuration, else of libpq's password file: by the far end's port
 * if ssh-fwd is on the way, not by that of its near end. */
static int
take_password(struct pg_conf *p, struct cfg *c)
{
	const char *port = getenv("RSW_TARGET_PORT"), *password;

	if (cfg_get(c, "database_password", &password) != 0)
		return -1;
	if (password != NULL) {
		p->password = mem_dup(password);
		p->password_origin = cfg_origin(c, "database_password");
	} else if (port != NULL && p->hostaddr != NULL) {
		p->password = pgservice_password(p->host, port, p->dbname,
		    p->user);
		p->password_origin = mem_dup("password file");
	}
	return 0;
}

enum fate
pg_conf_new(struct cfg *c, struct pg_conf **out)
{
	struct pg_conf *p = mem_zero(1, sizeof(*p));
	const char *const *v;
	enum fate fate = FATE_CONFIG;

	for (v = unwanted; *v != NULL; v++)
		unsetenv(*v);
	p->certfd = -1;
	p->connect_timeout = 60;
	if (pgservice_need(c, "database_hostname", "host", &p->host) != 0 ||
	    pgservice_need(c, "database_name", "dbname", &p->dbname) != 0 ||
	    pgservice_need(c, "database_username", "user", &p->user) != 0 ||
	    pgservice_need(c, "database_port", "port", &p->port) != 0 ||
	    pgservice_get(c, "database_hostaddr", "hostaddr",
	    &p->hostaddr) != 0 ||
	    cfg_int(c, "database_connect_timeout", 1, 3600,
	    &p->connect_timeout) != 0 || take_tls(p, c, &fate) != 0 ||
	    take_password(p, c) != 0) {
		pg_conf_free(p);
		return fate;
	}
	p->where = mem_fmt("%s:%s/%s", p->host, p->port, p->dbname);
	*out = p;
	return FATE_OK;
}

void
pg_conf_free(struct pg_conf *p)
{
	if (p == NULL)
		return;
	if (p->certfd >= 0)
		close(p->certfd);
	free(p->host);
	free(p->hostaddr);
	free(p->port);
	free(p->dbname);
	free(p->user);
	mem_wipe_str(p->password);
	free(p->password_origin);
	free(p->sslmode);
	free(p->rootcert);
	free(p->where);
	free(p);
}

void
pg_conf_stop(struct pg_conf *p, const volatile sig_atomic_t *stop)
{
	p->stop = stop;
}

const char *
pg_sslmode(const struct pg_conf *p)
{
	return p->sslmode;
}

const char *
pg_where(const struct pg_conf *p)
{
	return p->where;
}
