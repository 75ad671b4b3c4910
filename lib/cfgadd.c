/*
 * A configuration file that grows, whole at every moment.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg.h"
#include "cfgadd.h"
#include "cfgfile.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

/* Directories above path, 0700. */
static void
make_parents(const char *path)
{
	char *p, *copy = mem_dup(path);

	for (p = copy + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(copy, 0700);
		*p = '/';
	}
	free(copy);
}

/* Beside the file, then in its place: it is whole at every moment. */
static int
replace(const char *path, const struct buf *text)
{
	char *real = realpath(path, NULL);	/* it may be a link */
	const char *to = real != NULL ? real : path;
	char *tmp;
	int fd, rc = -1;

	make_parents(to);
	tmp = mem_fmt("%s.XXXXXX", to);
	fd = mkostemp(tmp, O_CLOEXEC);		/* 0600 */
	if (fd < 0) {
		msg_errno("cannot write beside '%s'", to);
	} else if (io_write_full(fd, text->data, text->len) != 0 ||
	    fsync(fd) != 0 || rename(tmp, to) != 0) {
		msg_errno("cannot write '%s'", to);
		unlink(tmp);
	} else {
		rc = 0;
	}
	if (fd >= 0)
		close(fd);
	free(tmp);
	free(real);
	return rc;
}

int
cfgadd(const char *path, const struct buf *sections)
{
	struct cfgfile file;
	struct buf text;
	int rc = 0;

	buf_init(&text, CFGADD_MAX);
	if (access(path, F_OK) == 0)
		rc = io_slurp_file(path, &text, true);
	if (rc == 0 && text.len > 0 && text.data[text.len - 1] != '\n')
		rc = buf_addc(&text, '\n');
	if (rc == 0 && text.len > 0)
		rc = buf_addc(&text, '\n');
	if (rc == 0 && buf_add(&text, sections->data, sections->len) != 0)
		rc = msg_error("cannot write '%s': it would be longer than %d "
		    "bytes", path, CFGADD_MAX);
	/* What the programs could not read must not take the old one's
	 * place. */
	memset(&file, 0, sizeof(file));
	if (rc == 0)
		rc = cfgfile_parse(path, text.data, text.len, cfg_slip,
		    &file);
	cfgfile_release(&file);
	if (rc == 0)
		rc = replace(path, &text);
	buf_wipe(&text);
	return rc;
}
