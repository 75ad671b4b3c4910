/*
 * Credentials out of JSON and XML.
 */
#include "config.h"

#include <jansson.h>

#include "awscreds.h"
#include "mem.h"
#include "msg.h"
#include "xml.h"

static enum fate
finish(struct aws_creds *c, const char *from)
{
	if (c->access_key == NULL || c->secret_key == NULL) {
		msg_error("cannot use the AWS credentials of %s: its answer "
		    "has none", from);
		return FATE_FAILED;
	}
	c->source = mem_dup(from);
	return FATE_OK;
}

static char *
member(const json_t *o, const char *name)
{
	return mem_dup(json_string_value(json_object_get(o, name)));
}

enum fate
awscreds_json(const char *text, size_t len, const char *from,
    struct aws_creds *c)
{
	json_t *o = json_loadb(text, len, 0, NULL);

	c->access_key = member(o, "AccessKeyId");
	c->secret_key = member(o, "SecretAccessKey");
	/* The endpoints call it Token. */
	c->session_token = member(o, "SessionToken");
	if (c->session_token == NULL)
		c->session_token = member(o, "Token");
	json_decref(o);
	return finish(c, from);
}

enum fate
awscreds_xml(const char *text, const char *from, struct aws_creds *c)
{
	const char *at = text, *in;
	char *part = xml_text(&at, "Credentials");

	if (part != NULL) {
		in = part;
		c->access_key = xml_text(&in, "AccessKeyId");
		in = part;
		c->secret_key = xml_text(&in, "SecretAccessKey");
		in = part;
		c->session_token = xml_text(&in, "SessionToken");
	}
	mem_wipe_str(part);
	return finish(c, from);
}
