/*
 * A file without a name in $TMPDIR: gone with the process, however that
 * ends.
 */
#ifndef RSW_SPOOL_H
#define RSW_SPOOL_H

/* The directory: $TMPDIR, else /tmp. */
const char *spool_directory(void);

/* A new file, readable by nobody else, to write and to read. The descriptor,
 * or -1 with errno. */
int spool_open(void);

/* Make it empty. 0, or -1 with errno. */
int spool_empty(int fd);

#endif
