/*
 * Domo: one request needs its address, the token and the scope.
 */
#include "config.h"

#include <string.h>

#include "cfg.h"
#include "check.h"
#include "domo.h"
#include "msg.h"

static void
skip_domo(size_t from, const char *because)
{
	static const char *const links[] = {"domo", "domo login",
		"domo scope"};

	for (; from < sizeof(links) / sizeof(links[0]); from++)
		check_skip(links[from], because);
}

/* Is it Domo, and does it answer? */
static bool
judge_answer(struct domo *d, const struct http_reply *r, enum domo_result res)
{
	if (r->status == 0)
		check_bad("domo", "is '%s' (domo_api_url) right, and may this "
		    "machine use HTTPS, by https_proxy if it needs one?",
		    domo_url(d));
	else if (res == DOMO_AGAIN)
		check_bad("domo", "'%s' has trouble: try again later",
		    domo_url(d));
	else if (strstr(domo_why(d), "web page") != NULL)
		check_bad("domo", "'%s' is to be Domo's API "
		    "(https://api.domo.com); if it is, Domo's administrator "
		    "must allow this machine's public address (Admin, "
		    "Security)", domo_url(d));
	else
		return true;
	skip_domo(1, "domo");
	return false;
}

static void
judge_domo(struct domo *d, const struct http_reply *r, enum domo_result res)
{
	bool scope = strstr(r->body.data != NULL ? r->body.data : "",
	    "invalid_scope") != NULL;

	check_listen();
	msg_error("%s", domo_why(d));
	if (!judge_answer(d, r, res))
		return;
	check_ok("domo", "'%s' answers", domo_url(d));
	if (!scope && strncmp(domo_why(d), "the login", 9) == 0) {
		check_bad("domo login", "copy both anew from "
		    "developer.domo.com, My Account, Manage Clients");
		skip_domo(2, "domo login");
		return;
	}
	check_ok("domo login", "the client and its secret are good");
	check_bad("domo scope", scope || r->status == 403 ?
	    "give the client the scope Data (developer.domo.com, My Account, "
	    "Manage Clients)" : "try again later");
}

void
check_domo(struct cfg *c)
{
	struct domo_request q = {.method = "GET",
	    .path = "/v1/datasets?limit=1"};
	enum domo_result res;
	struct http_reply reply;
	struct domo *d;

	if (!check_complete(c, CHECK_DOMO)) {
		if (check_has(c, CHECK_DOMO))
			skip_domo(0, "configuration");
		else
			check_note("domo", "no domo_client_id is set: good "
			    "for all but domo-cat");
		return;
	}
	check_listen();
	if (domo_open(c, &d) != 0) {
		check_bad("domo", "set the domo_* keys");
		return;
	}
	http_reply_init(&reply);
	res = domo_ask(d, &q, &reply);
	if (res != DOMO_OK) {
		judge_domo(d, &reply, res);
	} else {
		check_ok("domo", "'%s' answers", domo_url(d));
		check_ok("domo login", "the client and its secret are good");
		check_ok("domo scope", "Data: the DataSets can be listed");
	}
	http_reply_release(&reply);
	domo_free(d);
}
