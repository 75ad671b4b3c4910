/*
 * What a reply of Domo's that is not the one asked for says, in one line.
 * Its body can be JSON of two forms, a web page, plain text or empty, and
 * its own status words may contradict the status line.
 */
#ifndef RSW_DOMO_REFUSAL_H
#define RSW_DOMO_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"

/*
 * "Domo says 400 Bad Request: MESSAGE (toe XYZ)": status, Domo's message or
 * a page's title, and the `toe`, by which Domo's support finds the request.
 * `body` is the reply's body as far as it is known, a buf's data (there is a
 * NUL behind it). Freed by the caller.
 */
char *domo_refusal_text(struct http_reply *, const char *body, size_t len);

/* The status that a JSON error in a 200 reply stands for, 0 if there is none;
 * OAuth's "invalid_token" is a 401. */
int domo_refusal_status(const char *body, size_t len);

/* May the same request do better later? */
bool domo_refusal_passes(int status);

/* Does a web page come where there should be none, and what to do then. */
bool domo_refusal_is_page(const char *body);
#define DOMO_REFUSAL_PAGE_HINT "; is domo_api_url the API's address, and may " \
	"this machine's address use it?"

#endif
