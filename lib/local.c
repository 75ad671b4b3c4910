/*
 * The near end of a tunnel: a port on loopback. Every user of the machine
 * can connect to it, so the kernel is asked who did.
 */
#include "config.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local.h"
#include "msg.h"

/* The kernel's numbers (net/tcp_states.h) of the states in which the other
 * end may be: whole, or its owner has said all that it will say. */
enum {ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2 = 5};

int
local_listen(int port, int *chosen)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return msg_errno("cannot listen");
	/* Or a chosen port would be busy for a minute after each end. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		msg_errno("cannot listen on 127.0.0.1 port %d", port);
		close(fd);
		return -1;
	}
	*chosen = ntohs(a.sin_port);
	return fd;
}

/* Ask sock_diag(7) about the socket whose own address is `peer` and whose
 * other end is ours. False: no answer, or no such socket. */
static bool
look_up(int nl, const struct sockaddr_in *peer, const struct sockaddr_in *own,
    struct inet_diag_msg *out)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} q;
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} r;
	ssize_t n;

	memset(&q, 0, sizeof(q));
	q.head.nlmsg_len = sizeof(q);
	q.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q.head.nlmsg_flags = NLM_F_REQUEST;
	q.req.sdiag_family = AF_INET;
	q.req.sdiag_protocol = IPPROTO_TCP;
	q.req.idiag_states = ~0U;
	q.req.id.idiag_sport = peer->sin_port;
	q.req.id.idiag_src[0] = peer->sin_addr.s_addr;
	q.req.id.idiag_dport = own->sin_port;
	q.req.id.idiag_dst[0] = own->sin_addr.s_addr;
	q.req.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	q.req.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (send(nl, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
		return false;
	n = recv(nl, &r, sizeof(r), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*out)) ||
	    r.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	memcpy(out, NLMSG_DATA(&r.head), sizeof(*out));
	return true;
}

/* Does the other end of fd belong to this user? Any doubt is a no. *uid is
 * whom the kernel named, or -1; nl: where to ask. */
static bool
own_user(int nl, int fd, long *uid)
{
	struct sockaddr_in peer, own;
	struct inet_diag_msg m;
	socklen_t n = sizeof(peer), k = sizeof(own);

	*uid = -1;
	if (getpeername(fd, (struct sockaddr *)&peer, &n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &k) != 0)
		return false;
	/* A socket that its owner has closed shows uid 0 and inode 0. */
	if (!look_up(nl, &peer, &own, &m) || m.idiag_inode == 0 ||
	    (m.idiag_state != ESTABLISHED && m.idiag_state != FIN_WAIT1 &&
	    m.idiag_state != FIN_WAIT2))
		return false;
	*uid = (long)m.idiag_uid;
	return m.idiag_uid == geteuid();
}

/* No descriptor or no memory is left, as errno says: who comes can wait. */
static bool
full(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM;
}

static enum local_result
accept_own(int nl, int listener, int *fd)
{
	int one = 1;
	long uid;

	*fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*fd < 0)
		return full() ? LOCAL_FULL : LOCAL_NONE;
	if (own_user(nl, *fd, &uid)) {
		setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		return LOCAL_OK;
	}
	close(*fd);
	if (uid >= 0)
		msg_warn("refused a connection from another user (uid %ld)",
		    uid);
	else
		msg_info("refused a connection whose owner is not known: it "
		    "was closed at once");
	return LOCAL_REFUSED;
}

enum local_result
local_accept(int listener, int *fd)
{
	enum local_result r = LOCAL_FULL;
	int nl;

	/* First, for nobody is accepted who cannot be asked about. */
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl >= 0 || !full())
		r = accept_own(nl, listener, fd);
	if (nl >= 0)
		close(nl);
	return r;
}
