/* The manifest: what is written is read back, what is wrong is refused. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest.h"
#include "mem.h"
#include "tap.h"

#define ENTRY "{\"url\":\"s3://b/k\"}"

static void
fill(struct manifest *m)
{
	struct manifest_entry *e;
	struct manifest_column *c;

	manifest_init(m);
	e = manifest_add_entry(m, "s3://my-bucket/a b/\xc3\xa4\"\\.gz");
	e->content_length = 10;
	e->record_count = 3;
	e = manifest_add_entry(m, "s3://my-bucket/2");
	e->content_length = 5;
	e->record_count = 4;
	c = manifest_add_column(m, "Na\"me", "character varying");
	c->max_length = 9;
	c->nulls = 1;
	c->empty = 0;
	c->max_bytes = 9;
	c->int_digits = 7;
	c->column = mem_dup("na\"me");
	c = manifest_add_column(m, "d", "numeric");
	c->precision = 12;
	c->scale = 0;
	m->content_length = 15;
	m->record_count = 7;
	m->run_id = mem_dup("r");
	m->manifest_url = mem_dup("s3://my-bucket/m");
	m->compression = mem_dup("gzip");
	m->null_string = mem_dup("\\N");
	m->dataset_id = mem_dup("id");
	m->dataset_name = mem_dup("a\nname");
	m->dataset_rows = 7;
}

static int
same_entries(const struct manifest *a, const struct manifest *b)
{
	size_t i;

	if (a->nentries != b->nentries)
		return 0;
	for (i = 0; i < a->nentries; i++)
		if (strcmp(a->entry[i].url, b->entry[i].url) != 0 ||
		    a->entry[i].mandatory != b->entry[i].mandatory ||
		    a->entry[i].content_length !=
		    b->entry[i].content_length ||
		    a->entry[i].record_count != b->entry[i].record_count)
			return 0;
	return 1;
}

static int
same_columns(const struct manifest *a, const struct manifest *b)
{
	size_t i;

	if (a->ncolumns != b->ncolumns)
		return 0;
	for (i = 0; i < a->ncolumns; i++)
		if (strcmp(a->column[i].name, b->column[i].name) != 0 ||
		    strcmp(a->column[i].base, b->column[i].base) != 0 ||
		    a->column[i].max_length != b->column[i].max_length ||
		    a->column[i].precision != b->column[i].precision ||
		    a->column[i].scale != b->column[i].scale ||
		    a->column[i].nulls != b->column[i].nulls ||
		    a->column[i].empty != b->column[i].empty ||
		    a->column[i].max_bytes != b->column[i].max_bytes ||
		    a->column[i].int_digits != b->column[i].int_digits ||
		    (a->column[i].column == NULL) !=
		    (b->column[i].column == NULL) ||
		    (a->column[i].column != NULL && strcmp(a->column[i].column,
		    b->column[i].column) != 0))
			return 0;
	return 1;
}

static void
test_round_trip(void)
{
	struct manifest a, b;
	struct buf text;
	size_t n, refused = 0;

	fill(&a);
	buf_init(&text, 1 << 20);
	ok(manifest_write(&a, &text) == 0, "written");
	ok(manifest_parse(text.data, text.len, "t", &b) == 0, "read back");
	ok(same_entries(&a, &b), "entries");
	ok(same_columns(&a, &b), "columns");
	ok(b.content_length == 15 && b.record_count == 7, "totals");
	ok(strcmp(b.run_id, "r") == 0 && strcmp(b.null_string, "\\N") == 0 &&
	    strcmp(b.manifest_url, "s3://my-bucket/m") == 0 &&
	    strcmp(b.compression, "gzip") == 0, "own part");
	ok(strcmp(b.dataset_id, "id") == 0 && b.data_time == NULL &&
	    strcmp(b.dataset_name, "a\nname") == 0 && b.dataset_rows == 7,
	    "data set");
	manifest_release(&b);

	/* The last byte is the newline after the closing brace. */
	for (n = 0; n + 1 < text.len; n++) {
		refused += manifest_parse(text.data, n, "t", &b) != 0;
		manifest_release(&b);
	}
	ok(refused == text.len - 1, "every cut manifest is refused");
	manifest_release(&a);
	buf_release(&text);
}

static void
test_zero_rows(void)
{
	struct manifest a, b;
	struct buf text;

	manifest_init(&a);
	manifest_add_column(&a, "x", "bigint");
	a.content_length = a.record_count = 0;
	buf_init(&text, 1 << 20);
	ok(manifest_write(&a, &text) == 0 && manifest_parse(text.data,
	    text.len, "t", &b) == 0 && b.nentries == 0 &&
	    b.record_count == 0, "zero rows: no entry");
	manifest_release(&a);
	manifest_release(&b);
	buf_release(&text);
}

static int
parses(const char *text)
{
	struct manifest m;
	int rc = manifest_parse(text, strlen(text), "t", &m);

	manifest_release(&m);
	return rc == 0;
}

static void
test_foreign(void)
{
	static const char unload[] =
	    "{\"entries\":[{\"url\":\"s3://b/0000_part_00\","
	    "\"meta\":{\"content_length\":32295}},{\"url\":\"s3://b/1\","
	    "\"meta\":{\"content_length\":5}}],\"schema\":{\"elements\":["
	    "{\"name\":\"a\",\"type\":{\"base\":\"integer\"}}]},"
	    "\"meta\":{\"content_length\":32300,\"record_count\":10},"
	    "\"author\":{\"name\":\"Amazon Redshift\",\"version\":\"1.0\"}}";
	static const char plain[] = "{\"entries\":[" ENTRY "]}";
	struct manifest m;

	ok(manifest_parse(unload, strlen(unload), "t", &m) == 0 &&
	    m.nentries == 2 && !m.entry[0].mandatory && m.record_count == 10 &&
	    m.entry[0].record_count == MANIFEST_UNKNOWN && m.ncolumns == 1 &&
	    m.compression == NULL && m.run_id == NULL, "UNLOAD's manifest");
	manifest_release(&m);
	ok(manifest_parse(plain, strlen(plain), "t", &m) == 0 &&
	    m.record_count == MANIFEST_UNKNOWN && m.ncolumns == 0,
	    "a plain one");
	manifest_release(&m);
}

static void
test_refused(void)
{
	static const char *const wrong[] = {
		"", "{}", "[]", "null", "{\"entries\":{}}", "{\"entries\":[]}",
		"{\"entries\":[" ENTRY "]} x", "{\"entries\":[" ENTRY ",]}",
		"{\"entries\":[" ENTRY "],\"entries\":[]}",
		"{\"entries\":[{}]}", "{\"entries\":[1]}",
		"{\"entries\":[{\"url\":1}]}",
		"{\"entries\":[{\"url\":\"http://b/k\"}]}",
		"{\"entries\":[{\"url\":\"s3://b/\"}]}",
		"{\"entries\":[{\"url\":\"s3:///k\"}]}",
		"{\"entries\":[{\"url\":\"s3://b c/k\"}]}",
		"{\"entries\":[{\"url\":\"s3://b\"}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\\u0000\"}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\",\"mandatory\":1}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\",\"meta\":[]}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\",\"meta\":"
		"{\"content_length\":-1}}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\",\"meta\":"
		"{\"content_length\":1.5}}]}",
		"{\"entries\":[{\"url\":\"s3://b/k\",\"meta\":"
		"{\"record_count\":2}}],\"meta\":{\"record_count\":3}}",
		"{\"entries\":[" ENTRY "],\"schema\":[]}",
		"{\"entries\":[" ENTRY "],\"schema\":{\"elements\":[{}]}}",
		"{\"entries\":[" ENTRY "],\"schema\":{\"elements\":"
		"[{\"name\":\"a\"}]}}",
		"{\"entries\":[" ENTRY "],\"rs_writeback\":1}",
		"{\"entries\":[" ENTRY "],\"rs_writeback\":{\"run_id\":1}}",
		"{\"entries\":[" ENTRY "],\"rs_writeback\":{\"columns\":[{}]}}",
		"{\"entries\":[{\"url\":\"s3://b/\xff\"}]}",
	};
	size_t i;

	puts("# each of these is refused");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(!parses(wrong[i]), wrong[i]);
}

static void
test_url(void)
{
	char *b = NULL, *k = NULL;

	ok(manifest_split_url("s3://a.b-c_D/x//y/../z ", &b, &k) == 0 &&
	    strcmp(b, "a.b-c_D") == 0 && strcmp(k, "x//y/../z ") == 0,
	    "an address is split, its key not touched");
	free(b);
	free(k);
}

int
main(void)
{
	/* Thousands of messages about cut manifests are of no use. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 99;
	test_round_trip();
	test_zero_rows();
	test_foreign();
	test_refused();
	test_url();
	return done();
}
