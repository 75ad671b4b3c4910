/*
 * S3's multipart upload: an object that is not in memory as a whole. Each
 * step is one request.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "s3req.h"
#include "xml.h"

/* The list of 10,000 parts with etags of any form. */
#define END_BODY_MAX (4 * 1024 * 1024)

enum fate
s3_multi_begin(struct s3 *s, struct http *h, const struct s3_object *o,
    char **id)
{
	static const struct sigv4_pair query = {"uploads", NULL};
	struct s3req q = {.verb = "begin to put", .method = "POST",
	    .bucket = o->bucket, .key = o->key, .query = &query, .nquery = 1,
	    .body = "", .has_body = true, .to_the_end = true};
	struct http_reply r;
	const char *at;
	enum fate fate;

	s3req_object(s, &q, o);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	*id = NULL;
	if (fate == FATE_OK) {
		at = r.body.data;
		*id = xml_text(&at, "UploadId");
		if (*id == NULL) {
			msg_error("cannot begin to put 's3://%s/%s': the "
			    "answer has no UploadId", o->bucket, o->key);
			fate = FATE_FAILED;
		}
	}
	http_reply_release(&r);
	return fate;
}

enum fate
s3_multi_part(struct s3 *s, struct http *h, const struct s3_object *o,
    const char *id, size_t number, char **etag)
{
	char text[24];
	struct sigv4_pair query[2] = {{"partNumber", text}, {"uploadId", id}};
	struct s3req q = {.verb = "put a part of", .method = "PUT",
	    .bucket = o->bucket, .key = o->key, .query = query, .nquery = 2,
	    .body = o->body, .len = o->len, .has_body = true};
	struct http_reply r;
	enum fate fate;

	snprintf(text, sizeof(text), "%zu", number);
	s3req_owner(s, &q);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	if (fate == FATE_OK) {
		*etag = mem_dup(http_header(&r, "ETag"));
		if (*etag == NULL) {
			msg_error("cannot put a part of 's3://%s/%s': the "
			    "answer has no ETag", o->bucket, o->key);
			fate = FATE_FAILED;
		}
	}
	http_reply_release(&r);
	return fate;
}

/* The upload is not known any more: an answer that was lost may have told
 * that it is an object now. */
static enum fate
ended_before(struct s3 *s, struct http *h, const struct s3_object *o)
{
	enum fate fate;
	int64_t size;

	fate = s3_head(s, h, o->bucket, o->key, &size);
	if (fate == FATE_OK && size == -1) {
		msg_error("cannot end putting 's3://%s/%s': 404 "
		    "NoSuchUpload: somebody has ended it", o->bucket, o->key);
		fate = FATE_FAILED;
	}
	return fate;
}

enum fate
s3_multi_end(struct s3 *s, struct http *h, const struct s3_object *o,
    const char *id, const char *const *etag, size_t n)
{
	struct sigv4_pair query = {"uploadId", id};
	struct s3req q = {.verb = "end putting", .method = "POST",
	    .bucket = o->bucket, .key = o->key, .query = &query, .nquery = 1,
	    .has_body = true, .missing_ok = true, .late_error = true};
	enum fate fate = FATE_FAILED;
	struct http_reply r;
	struct buf b;
	size_t i;
	int rc;

	buf_init(&b, END_BODY_MAX);
	http_reply_init(&r);
	rc = buf_adds(&b, "<CompleteMultipartUpload>");
	for (i = 0; i < n && rc == 0; i++)
		rc = buf_addf(&b, "<Part><PartNumber>%zu</PartNumber><ETag>"
		    "%s</ETag></Part>", i + 1, etag[i]);
	if (rc != 0 || buf_adds(&b, "</CompleteMultipartUpload>") != 0) {
		msg_error("cannot end putting 's3://%s/%s': it has too many "
		    "parts", o->bucket, o->key);
		goto out;
	}
	s3req_header(&q, "Content-Type", "application/xml");
	s3req_owner(s, &q);
	q.body = b.data;
	q.len = b.len;
	fate = s3req_do(s, h, &q, &r);
	if (fate == FATE_OK && r.status == 404)
		fate = ended_before(s, h, o);
out:
	http_reply_release(&r);
	buf_release(&b);
	return fate;
}

enum fate
s3_multi_abort(struct s3 *s, struct http *h, const char *bucket,
    const char *key, const char *id)
{
	struct sigv4_pair query = {"uploadId", id};
	struct s3req q = {.verb = "give up putting", .method = "DELETE",
	    .bucket = bucket, .key = key, .query = &query, .nquery = 1,
	    .missing_ok = true};
	struct http_reply r;
	enum fate fate;

	s3req_owner(s, &q);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	http_reply_release(&r);
	return fate;
}
