/*
 * A file without a name in $TMPDIR.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"
#include "spool.h"

const char *
spool_directory(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && *dir != '\0' ? dir : "/tmp";
}

int
spool_open(void)
{
	char *path;
	int fd;

	fd = open(spool_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Not every file system knows O_TMPFILE. */
	path = mem_fmt("%s/spool.XXXXXX", spool_directory());
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

int
spool_empty(int fd)
{
	if (ftruncate(fd, 0) != 0)
		return -1;
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
}
