/*
 * A command's output, in memory only.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/wait.h>

#include "command.h"
#include "io.h"
#include "msg.h"

int
command_output(const char *what, const char *command, struct buf *b)
{
	char block[4096];
	FILE *p;
	size_t n;
	int status;

	/* A writer that nobody reads is to end, as it does in any shell. */
	io_restore_sigpipe();
	p = popen(command, "re");
	io_ignore_sigpipe();
	if (p == NULL)
		return msg_errno("cannot run %s", what);
	while ((n = fread(block, 1, sizeof(block), p)) > 0)
		if (buf_add(b, block, n) != 0)
			break;
	OPENSSL_cleanse(block, sizeof(block));
	status = pclose(p);
	if (n > 0)
		return msg_error("cannot use %s: it prints more than %zu "
		    "bytes", what, b->max);
	if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return msg_error("cannot use %s: it ended with status %d",
		    what, WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status));
	return 0;
}
