/*
 * bench-scan FILE [RUNS [BLOCK]]: how fast the scanner is on this CSV
 * (csvgen makes one), on one processor, beside libcsv with empty callbacks
 * and memcpy. In each of RUNS (5) rounds every contestant has the file, the
 * next one being the first; each block (256K, as s3-stage has them) is copied
 * to a buffer before, as read(2) would leave it. The clock is the thread's
 * CPU time and runs only for the contestants. Prints the medians in MB/s and
 * as multiples of libcsv, by each kernel that the machine has: scan_cut(),
 * scan_block() with profile and rewriting, and both together.
 */
#include "config.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "scan.h"
#include "scan_fast.h"

#define MAX_RUNS 99
#define MAX_JOBS 24

static const struct scan_opt opt = {
	.delim = ',', .quote = '"', .null_string = "\\N"
};
static struct buf file, out;
static char *block, *other;
static size_t ncols;

enum what { MEMCPY, LIBCSV, CUT, SCAN, BOTH };

static struct job {
	enum what what;
	const struct scan_kernel *kernel;
	struct scan scan;
	struct csv_parser csv;
	double time[MAX_RUNS];
} job[MAX_JOBS];
static int njobs;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
on_field(void *p, size_t n, void *arg)
{
	(void)p;
	(void)n;
	(void)arg;
}

static void
on_row(int c, void *arg)
{
	(void)c;
	(void)arg;
}

/* The n bytes of the block, whole records; the time, or -1. */
static double
run(struct job *j, size_t n)
{
	struct scan_cut c = {false};
	double start;
	bool fine = true;

	scan_fast_force(j->kernel);
	buf_reset(&out);
	start = now();
	switch (j->what) {
	case MEMCPY:
		memcpy(other, block, n);
		break;
	case LIBCSV:
		fine = csv_parse(&j->csv, block, n, on_field, on_row, NULL) ==
		    n;
		break;
	case BOTH:
		fine = scan_cut(&c, &opt, block, n) == n &&
		    scan_block(&j->scan, block, n, true, &out) == 0;
		break;
	case CUT:
		fine = scan_cut(&c, &opt, block, n) == n;
		break;
	case SCAN:
		fine = scan_block(&j->scan, block, n, true, &out) == 0;
		break;
	}
	return fine ? now() - start : -1;
}

/* The whole file, block by block. */
static int
run_all(struct job *j, size_t header, size_t size, int r)
{
	struct scan_cut c;
	size_t at, n;
	double t;

	for (at = header; at < file.len; at += n) {
		memset(&c, 0, sizeof(c));
		n = file.len - at < size ? file.len - at : size;
		n = scan_cut(&c, &opt, file.data + at, n);
		if (n == 0)
			return msg_error("no record ends in a block");
		memcpy(block, file.data + at, n);
		if ((t = run(j, n)) < 0)
			return msg_error("cannot scan the block at %zu: %s",
			    at, scan_fault_text(j->scan.fault));
		j->time[r] += t;
	}
	return 0;
}

static void
add(enum what what, const struct scan_kernel *kernel)
{
	struct job *j = &job[njobs++];

	j->what = what;
	j->kernel = kernel;
	scan_fast_force(kernel);
	scan_init(&j->scan, &opt, ncols);
	csv_init(&j->csv, CSV_STRICT | CSV_EMPTY_IS_NULL);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
report(int runs, size_t size)
{
	static const char *const name[] = {
		"memcpy", "libcsv, empty callbacks", "cut", "scan", "cut + scan"
	};
	double mb = (double)file.len / 1e6, csv = 0, rate;
	int i;

	printf("%-24s %-8s %7s %9s   %.0f MB, %zu columns, blocks of %zu KiB, "
	    "median of %d\n", "", "kernel", "MB/s", "x libcsv", mb, ncols,
	    size / 1024, runs);
	for (i = 0; i < njobs; i++) {
		qsort(job[i].time, (size_t)runs, sizeof(double), compare);
		rate = mb / job[i].time[runs / 2];
		if (i == 0)
			csv = rate;
		printf("%-24s %-8s %7.0f %9.1f\n", name[job[i].what],
		    job[i].kernel == NULL ? "" : job[i].kernel->name, rate,
		    rate / csv);
	}
}

int
main(int argc, char **argv)
{
	const struct scan_kernel *const *k;
	int64_t runs = 5, size = 256 * 1024, i, n;
	enum scan_fault fault;
	size_t header;
	char **name;

	msg_init(argv[0]);
	io_start();
	if (argc < 2 || argc > 4 || (argc > 2 &&
	    num_parse(argv[2], 1, MAX_RUNS, &runs) != 0) || (argc > 3 &&
	    num_size(argv[3], 4096, 1 << 30, &size) != 0)) {
		msg_error("usage: bench-scan FILE [RUNS [BLOCK]]");
		return 2;
	}
	buf_init(&file, (size_t)4 << 30);	/* it is all in memory */
	if (io_slurp_file(argv[1], &file, false) != 0)
		return 1;
	name = scan_header(&opt, file.data, file.len, &header, &ncols, &fault);
	if (name == NULL)
		return -msg_error("cannot use '%s': %s", argv[1],
		    scan_fault_text(fault));
	for (i = 0; name[i] != NULL; i++)
		free(name[i]);
	free(name);
	add(LIBCSV, NULL);
	add(MEMCPY, NULL);
	for (k = scan_fast_all(); *k != NULL; k++) {
		add(CUT, *k);
		add(SCAN, *k);
		add(BOTH, *k);
	}
	add(SCAN, &scan_fast_none);
	block = mem_alloc((size_t)size);
	other = mem_alloc((size_t)size);
	buf_init(&out, scan_out_max(&job[0].scan, (size_t)size));
	for (i = 0; i < runs; i++)
		for (n = 0; n < njobs; n++)
			if (run_all(&job[(i + n) % njobs], header,
			    (size_t)size, (int)i) != 0)
				return 1;
	report((int)runs, (size_t)size);
	return io_finish(0);
}
