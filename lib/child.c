/*
 * The command that runs through a tunnel: started, signalled, waited for. And
 * the step into the background, which waits until all is well.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "io.h"
#include "msg.h"

static sigset_t before;

int
child_signals(void)
{
	static const int taken[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGUSR1, SIGUSR2};
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	/* Some shells start background jobs with SIGINT ignored, and an
	 * ignored SIGCHLD would lose the command's status. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &before);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return msg_errno("cannot watch for signals");
	return fd;
}

/* In the new process: never returns. */
static void
run(char *const argv[], pid_t parent, int report)
{
	int e;

	/* A command whose tunnel was killed must not go on: whoever takes the
	 * port next would be given its password. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(125);
	io_restore_sigpipe();
	sigprocmask(SIG_SETMASK, &before, NULL);
	execvp(argv[0], argv);
	e = errno;
	io_write_full(report, &e, sizeof(e));
	_exit(127);
}

int
child_start(char *const argv[], pid_t *pid)
{
	pid_t parent = getpid();
	int p[2], e = 0;

	if (pipe2(p, O_CLOEXEC) != 0 || (*pid = fork()) < 0) {
		msg_errno("cannot run '%s'", argv[0]);
		return 126;
	}
	if (*pid == 0)
		run(argv, parent, p[1]);
	close(p[1]);
	/* Nothing comes when exec closed the pipe. */
	if (io_read_full(p[0], &e, sizeof(e)) != sizeof(e))
		e = 0;
	close(p[0]);
	if (e == 0)
		return 0;
	waitpid(*pid, NULL, 0);
	errno = e;
	if (e == ENOENT) {
		msg_error("cannot run '%s': no such command", argv[0]);
		return 127;
	}
	msg_errno("cannot run '%s'", argv[0]);
	return 126;
}

void
child_signal(pid_t pid, const struct signalfd_siginfo *s)
{
	if (s->ssi_signo != SIGCHLD && s->ssi_code != SI_KERNEL)
		kill(pid, (int)s->ssi_signo);
}

int
child_ended(pid_t pid, int *status)
{
	int w;

	if (waitpid(pid, &w, WNOHANG) != pid)
		return 0;
	*status = WIFEXITED(w) ? WEXITSTATUS(w) : 128 + WTERMSIG(w);
	return 1;
}

bool
child_background(int *report, int *status)
{
	pid_t parent = getpid(), pid;
	int p[2], w;
	char ready;

	*status = 125;
	if (pipe2(p, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		msg_errno("cannot go on in the background");
		return false;
	}
	if (pid == 0) {
		/* Until we are ready, what stops the old one stops us. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(125);
		close(p[0]);
		*report = p[1];
		*status = 0;
		return true;
	}
	close(p[1]);
	if (io_read_full(p[0], &ready, 1) == 1)
		*status = 0;
	else if (waitpid(pid, &w, 0) == pid)
		*status = WIFEXITED(w) ? WEXITSTATUS(w) : 128 + WTERMSIG(w);
	close(p[0]);
	return false;
}

void
child_detach(int report)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		close(fd);
	}
	io_write_full(report, "", 1);
	close(report);
}
