/*
 * How s3-stage is to work, out of the configuration.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "msg.h"
#include "num.h"
#include "stageopt.h"

static int
bad_value(struct cfg *c, const char *key, const char *want)
{
	const char *v;
	char *origin = cfg_origin(c, key);

	if (cfg_get(c, key, &v) == 0)
		msg_error("cannot use '%s' as '%s' (%s): %s",
		    v != NULL ? v : "", key, origin, want);
	free(origin);
	return -1;
}

/* A key's one character; `name` is a word for `code`. */
static int
get_char(struct cfg *c, const char *key, const char *name, char code,
    char *out)
{
	const char *v;

	if (cfg_get(c, key, &v) != 0)
		return -1;
	if (v == NULL)
		return 0;
	if (strcmp(v, name) == 0)
		*out = code;
	else if (v[0] != '\0' && v[1] == '\0')
		*out = v[0];
	else
		return bad_value(c, key, "it is not one character");
	return 0;
}

/* A key that is `word` or the default `other`. */
static int
get_flag(struct cfg *c, const char *key, const char *word,
    const char *other, bool *out)
{
	const char *v;

	if (cfg_get(c, key, &v) != 0)
		return -1;
	*out = v != NULL && strcmp(v, word) == 0;
	if (v == NULL || *out || strcmp(v, other) == 0)
		return 0;
	return bad_value(c, key, "it is neither of the two words it can be");
}

static int
get_csv_form(struct cfg *c, struct stage_opt *so)
{
	struct scan_opt *o = &so->scan;
	const char *fault;

	o->delim = ',';
	o->quote = '"';
	if (get_char(c, "delimiter", "tab", '\t', &o->delim) != 0 ||
	    get_char(c, "quote", "none", '\0', &o->quote) != 0 ||
	    get_flag(c, "header", "no", "yes", &so->no_header) != 0 ||
	    get_flag(c, "invalid_utf8", "replace", "fail",
	    &o->replace_utf8) != 0 ||
	    get_flag(c, "long_fields", "truncate", "fail",
	    &o->truncate) != 0 ||
	    cfg_get(c, "null_in", &o->null_in) != 0 ||
	    cfg_get(c, "null_string", &o->null_string) != 0)
		return -1;
	fault = scan_opt_fault(o);
	return fault == NULL ? 0 : msg_error("cannot read CSV so: %s", fault);
}

static int
get_codec(struct cfg *c, struct stage_opt *so)
{
	const char *v;
	int64_t level = CODEC_LEVEL_DEFAULT;

	if (cfg_get(c, "compress", &v) != 0)
		return -1;
	if (v == NULL)
		so->codec = codec_default();
	else if (codec_parse(v, &so->codec) != 0)
		return bad_value(c, "compress",
		    "it is not gzip, zstd or none");
	if (so->codec != CODEC_NONE && cfg_int(c, "level", 1,
	    codec_level_max(so->codec), &level) != 0)
		return -1;
	so->level = (int)level;
	return 0;
}

static int
get_sizes(struct cfg *c, struct stage_opt *so)
{
	int64_t jobs = sysconf(_SC_NPROCESSORS_ONLN), uploads = 0, slices = 0;
	int64_t size = 0;
	const char *v;

	if (jobs < 1)
		jobs = 1;
	if (jobs > 64)
		jobs = 64;
	if (cfg_int(c, "jobs", 1, 256, &jobs) != 0 ||
	    cfg_int(c, "uploads", 1, 256, &uploads) != 0 ||
	    cfg_int(c, "slices", 1, 1024, &slices) != 0 ||
	    cfg_get(c, "part_size", &v) != 0)
		return -1;
	if (v == NULL || num_size(v, 1024 * 1024, (int64_t)4 << 30,
	    &size) != 0)
		return bad_value(c, "part_size",
		    "it is a size from 1M to 4G");
	so->jobs = (int)jobs;
	so->uploads = (int)uploads;
	so->slices = (int)slices;
	so->object = (size_t)size;
	return 0;
}

int
stageopt_read(struct cfg *c, struct stage_opt *so)
{
	return get_csv_form(c, so) != 0 || get_codec(c, so) != 0 ||
	    get_sizes(c, so) != 0 ? -1 : 0;
}
