/*
 * Many connections through one tunnel, in one poll loop: both directions
 * closed each on its own, and no reader that stands still fills our memory.
 * The session's life is here too: it is asked whether it still lives, and
 * opened again for new connections.
 *
 * What poll() cannot see: libssh2 reads the packets of all channels at once,
 * so a call for one connection may bring in data of another. Every round
 * therefore goes over all connections until no call has read anything more.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "far.h"
#include "io.h"
#include "local.h"
#include "mem.h"
#include "msg.h"
#include "pump.h"

/* One read: many packets of 32 kB for one system call. */
#define SCRATCH (256 * 1024)
/* With more than this waiting to be sent, no local end is read. */
#define QUEUE_HIGH (512 * 1024)
/* One connection's share of a round. */
#define SHARE (1024 * 1024)
/* Below the usual 1024 descriptors. */
#define LINKS_MAX 500
/* Between attempts to open the session again: doubled up to the second. */
#define RETRY_FIRST_MS 500
#define RETRY_LAST_MS 15000
/* ssh's socket ends just before ssh itself does. */
#define GRACE_MS 100
/* A channel type that no server has: its refusal shows that it lives, and
 * the call reads what came meanwhile (libssh2 has no call for only that). */
#define PING "ping@ssh-fwd"

enum state {WAITING, OPEN, CLOSING, GONE};

/* Bytes that one side gave and the other did not take yet. */
struct rest {
	char *p;
	size_t at, len;
};

struct link {
	enum state state;
	int in, out;		/* the same socket, or stdin and stdout */
	bool is_socket, stdio;
	struct far far;
	struct rest up, down;
	bool readable;		/* poll said so, or nobody knows */
	bool local_eof, eof_sent, far_eof, out_shut;
	long long end_at;	/* a socket's end counts from then on; or 0 */
	int origin;		/* the local end's port */
	unsigned window;	/* of the channel; 0: not chosen yet */
	struct pollfd *pin, *pout, *pfar;	/* this round's, or NULL */
};

struct pump {
	const struct pump_conf *conf;
	struct tun *tun;
	int listener;
	bool stopping;
	struct link **link;
	size_t n;
	struct link *opening;	/* its channel is being opened */
	bool pinging;		/* or this one is */
	bool joined;
	bool again;		/* work is left: do not sleep */
	enum fate fate;
	bool broken;		/* libssh2 says the session is of no more use */
	bool up;		/* there was a session when we looked last */
	long long retry_at, backoff, accept_at, grace_at;
	long long planned;	/* the end of the sleep */
	struct pollfd *poll;
	size_t npoll;
	char scratch[SCRATCH];
};

struct pump *
pump_new(const struct pump_conf *c, struct tun *t)
{
	struct pump *p = mem_zero(1, sizeof(*p));

	p->conf = c;
	p->tun = t;
	p->up = true;
	p->listener = -1;
	p->planned = io_now_ms();
	return p;
}

void
pump_listen(struct pump *p, int fd)
{
	p->listener = fd;
}

enum fate
pump_fate(const struct pump *p)
{
	return p->fate;
}

static struct link *
add_link(struct pump *p, int in, int out)
{
	struct link *l = mem_zero(1, sizeof(*l));

	l->in = in;
	l->out = out;
	l->far.fd = -1;
	p->link = mem_resize(p->link, p->n + 1, sizeof(struct link *));
	p->link[p->n++] = l;
	return l;
}

/* Keep what was not taken. */
static void
keep(struct rest *r, const char *p, size_t n)
{
	if (n == 0)
		return;
	r->p = mem_alloc(n);
	memcpy(r->p, p, n);
	r->at = 0;
	r->len = n;
}

static void
drop(struct rest *r)
{
	free(r->p);
	memset(r, 0, sizeof(*r));
}

/* Close the local end; broken: so that its reader sees an error, and does not
 * take what it has for the whole. */
static void
close_local(struct link *l, bool broken)
{
	struct linger now = {.l_onoff = 1};

	if (l->in < 0)
		return;
	if (broken && l->is_socket)
		setsockopt(l->in, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (l->out != l->in)
		close(l->out);
	close(l->in);
	l->in = l->out = -1;
}

/* The end of a connection: from here on only the channel is freed. */
static void
finish(struct link *l, bool broken)
{
	close_local(l, broken);
	drop(&l->up);
	drop(&l->down);
	l->state = CLOSING;
}

/* The same after FAR_BROKEN: was it this channel, or the session? */
static void
finish_broken(struct pump *p, struct link *l)
{
	if (l->far.chan != NULL && l->far.error != LIBSSH2_ERROR_CHANNEL_CLOSED
	    && l->far.error != LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		p->broken = true;
	finish(l, true);
}

/* The session is gone, and all that went through it. */
static void
lose(struct pump *p, const char *why)
{
	size_t i;

	msg_error("lost the bastion '%s': %s%s",
	    p->conf->ssh->hop[p->conf->ssh->nhops - 1].host, why,
	    p->n > 0 ? "; its connections are cut" : "");
	for (i = 0; i < p->n; i++) {
		if (p->link[i]->state == WAITING && p->link[i] != p->opening)
			continue;
		finish(p->link[i], true);
		far_close(&p->link[i]->far, true);
		p->link[i]->state = GONE;
	}
	p->opening = NULL;
	p->pinging = p->broken = false;
	tun_free(p->tun);
	p->tun = NULL;
	p->up = false;
	p->fate = FATE_AGAIN;
	p->retry_at = io_now_ms();
	p->backoff = RETRY_FIRST_MS;
}

/* Connections wait and there is no session: open it again. */
static enum fate
reopen(struct pump *p)
{
	enum fate f;
	size_t i;

	msg_info("connecting again");
	if (p->conf->cmd != NULL)
		f = sshcmd_reopen(p->conf->cmd, p->conf->wake);
	else
		f = tun_open(p->conf->ssh, p->conf->wake, &p->tun);
	p->up = f == FATE_OK;
	if (f == FATE_OK || f == FATE_STOPPED)
		return f;
	for (i = 0; i < p->n; i++) {
		finish(p->link[i], true);
		p->link[i]->state = GONE;
	}
	p->fate = f;
	p->retry_at = io_now_ms() + p->backoff;
	p->backoff = p->backoff * 2 < RETRY_LAST_MS ? p->backoff * 2 :
	    RETRY_LAST_MS;
	return f;
}

static void
accept_all(struct pump *p)
{
	enum local_result r = LOCAL_REFUSED;
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	struct link *l;
	int fd;

	while (p->n < LINKS_MAX && r != LOCAL_NONE) {
		r = local_accept(p->listener, &fd);
		if (r == LOCAL_FULL) {
			p->accept_at = io_now_ms() + 100;
			return;
		}
		if (r != LOCAL_OK)
			continue;
		l = add_link(p, fd, fd);
		l->is_socket = true;
		if (getpeername(fd, (struct sockaddr *)&a, &n) == 0)
			l->origin = ntohs(((struct sockaddr_in *)&a)->sin_port);
	}
}

/* The socket of the system's ssh: it answers at once, or never. */
static void
open_socket(struct pump *p, struct link *l)
{
	l->far.fd = sshcmd_connect(p->conf->cmd);
	if (l->far.fd >= 0) {
		l->state = OPEN;
		l->readable = l->is_socket;
		return;
	}
	if (sshcmd_alive(p->conf->cmd))
		msg_errno("cannot reach the ssh that holds the tunnel");
	finish(l, true);
}

/* A new channel's window: the more there are, the less each may hold, so that
 * eight of them fit in 7 MiB. */
static unsigned
window_for(const struct pump *p)
{
	size_t i, open = 0;

	for (i = 0; i < p->n; i++)
		open += p->link[i]->state == OPEN;
	return open == 0 ? TUN_WINDOW : open < 3 ? TUN_WINDOW / 2 :
	    open < 16 ? TUN_WINDOW / 4 : TUN_WINDOW / 8;
}

/* Go on with the opening under way. */
static void
step_opening(struct pump *p)
{
	struct link *l = p->opening;

	/* The arguments stay the same until it is open. */
	if (l->window == 0)
		l->window = window_for(p);
	l->far.chan = tun_try(p->tun, p->conf->host, p->conf->port, l->origin,
	    l->window);
	if (l->far.chan == NULL && libssh2_session_last_errno(p->tun->session)
	    == LIBSSH2_ERROR_EAGAIN)
		return;
	p->opening = NULL;
	if (l->far.chan != NULL) {
		l->state = OPEN;
		l->readable = l->is_socket;
	} else if (!p->tun->wire.ended) {
		tun_say_refused(p->tun, p->conf->host, p->conf->port);
		finish(l, true);
	}
}

static void
step_ping(struct pump *p)
{
	LIBSSH2_SESSION *s = p->tun->session;
	LIBSSH2_CHANNEL *c;

	c = libssh2_channel_open_ex(s, PING, strlen(PING), 1, 1, NULL, 0);
	p->pinging = c == NULL &&
	    libssh2_session_last_errno(s) == LIBSSH2_ERROR_EAGAIN;
	if (c != NULL)
		libssh2_channel_free(c);
}

/* libssh2 opens one channel at a time: the pending one, else the next. */
static void
open_links(struct pump *p)
{
	size_t i;

	if (p->pinging)
		step_ping(p);
	if (p->pinging)
		return;
	if (p->opening != NULL)
		step_opening(p);
	for (i = 0; i < p->n && p->opening == NULL; i++) {
		if (p->link[i]->state != WAITING)
			continue;
		if (p->conf->cmd != NULL) {
			open_socket(p, p->link[i]);
			continue;
		}
		p->opening = p->link[i];
		step_opening(p);
	}
}

static ssize_t
local_read(const struct link *l, void *buf, size_t n)
{
	ssize_t r;

	do
		r = l->is_socket ? recv(l->in, buf, n, MSG_DONTWAIT) :
		    read(l->in, buf, n);
	while (r < 0 && errno == EINTR);
	return r;
}

/* A pipe that poll() calls writable takes at least 4096 bytes at once; more
 * could block. */
static ssize_t
local_write(const struct link *l, const void *buf, size_t n)
{
	ssize_t r;

	do
		r = l->is_socket ? send(l->out, buf, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL) :
		    write(l->out, buf, l->stdio && n > 4096 ? 4096 : n);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Give bytes to the far end. The count that it took, or FAR_BROKEN. */
static ssize_t
give_far(struct link *l, const char *buf, size_t n)
{
	size_t done = 0;
	ssize_t w;

	while (done < n) {
		w = far_write(&l->far, buf + done, n - done);
		if (w == FAR_AGAIN)
			break;
		if (w < 0)
			return FAR_BROKEN;
		done += (size_t)w;
	}
	return (ssize_t)done;
}

/* May the local end be read? */
static bool
wants_up(const struct pump *p, const struct link *l)
{
	return l->state == OPEN && !l->local_eof && l->up.p == NULL &&
	    (p->tun == NULL || wire_queued(&p->tun->wire) < QUEUE_HIGH) &&
	    far_room(&l->far) > 0;
}

/* Local end to far end. */
static void
move_up(struct pump *p, struct link *l)
{
	size_t want, moved = 0;
	ssize_t n, w;

	if (l->up.p != NULL) {
		w = give_far(l, l->up.p + l->up.at, l->up.len - l->up.at);
		if (w < 0) {
			finish_broken(p, l);
			return;
		}
		l->up.at += (size_t)w;
		if (l->up.at < l->up.len)
			return;
		drop(&l->up);
	}
	while (l->readable && wants_up(p, l)) {
		if (moved >= SHARE) {
			p->again = true;
			return;
		}
		want = far_room(&l->far);
		if (want > SCRATCH)
			want = SCRATCH;
		n = local_read(l, p->scratch, want);
		if (n < 0 && errno == EAGAIN) {
			l->readable = false;
			return;
		}
		if (n < 0) {
			finish(l, true);
			return;
		}
		/* Only a socket may be read twice for one poll(); and one
		 * that gave less than it could is empty. */
		if (!l->is_socket || (size_t)n < want)
			l->readable = false;
		l->local_eof = n == 0;
		w = give_far(l, p->scratch, (size_t)n);
		if (w < 0) {
			finish_broken(p, l);
			return;
		}
		keep(&l->up, p->scratch + w, (size_t)(n - w));
		moved += (size_t)n;
	}
}

/* Give bytes to the local end: the count that it took, or -1: it is gone. */
static ssize_t
give_local(struct link *l, const char *buf, size_t n)
{
	size_t done = 0;
	ssize_t w;

	while (done < n) {
		w = local_write(l, buf + done, n - done);
		if (w < 0 && errno == EAGAIN)
			break;
		if (w <= 0)
			return -1;
		done += (size_t)w;
		if (l->stdio)
			break;	/* ask poll() again */
	}
	return (ssize_t)done;
}

/* ssh ended a connection: was that the target, or did ssh itself end? That is
 * known a moment later. */
static bool
grace_over(struct pump *p, struct link *l)
{
	long long now = io_now_ms();

	if (l->end_at == 0)
		l->end_at = now + GRACE_MS;
	if (now >= l->end_at)
		return true;
	if (p->grace_at == 0 || l->end_at < p->grace_at)
		p->grace_at = l->end_at;
	return false;
}

/* Far end to local end. */
static void
move_down(struct pump *p, struct link *l)
{
	size_t moved = 0;
	ssize_t n, w;

	if (l->down.p != NULL) {
		if (l->stdio && (l->pout == NULL || l->pout->revents == 0))
			return;
		if (l->stdio)
			l->pout->revents = 0;
		w = give_local(l, l->down.p + l->down.at,
		    l->down.len - l->down.at);
		if (w < 0) {
			finish(l, true);
			return;
		}
		l->down.at += (size_t)w;
		if (l->down.at < l->down.len)
			return;
		drop(&l->down);
	}
	while (!l->far_eof && l->down.p == NULL) {
		if (moved >= SHARE) {
			p->again = true;
			return;
		}
		n = far_read(&l->far, p->scratch, SCRATCH);
		if (n == FAR_AGAIN)
			return;
		if (n < 0) {
			finish_broken(p, l);
			return;
		}
		if (n == 0 && l->far.fd >= 0 && !grace_over(p, l))
			return;
		l->far_eof = n == 0;
		/* Standard output waits for poll(). */
		w = l->stdio ? 0 : give_local(l, p->scratch, (size_t)n);
		if (w < 0) {
			finish(l, true);
			return;
		}
		keep(&l->down, p->scratch + w, (size_t)(n - w));
		moved += (size_t)n;
	}
}

/* Carry an end of file over, and see whether the connection is done. */
static void
carry_ends(struct link *l)
{
	if (l->local_eof && l->up.p == NULL && !l->eof_sent) {
		if (far_send_eof(&l->far) == FAR_AGAIN)
			return;
		l->eof_sent = true;
	}
	if (l->far_eof && l->down.p == NULL && !l->out_shut) {
		if (l->is_socket)
			shutdown(l->out, SHUT_WR);
		else
			close(l->out);
		if (!l->is_socket)
			l->out = l->in;
		l->out_shut = true;
	}
	if (!l->out_shut)
		return;
	/* A target that takes nothing more ends the other direction too. */
	if (l->eof_sent || far_closed(&l->far))
		finish(l, false);
}

/* All directions of all connections, until nothing moves. */
static void
move_all(struct pump *p)
{
	unsigned long long before;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->link[i]->state == OPEN)
			move_up(p, p->link[i]);
	do {
		before = p->tun != NULL ? p->tun->wire.received : 0;
		if (p->tun != NULL)
			wire_resume(&p->tun->wire);
		for (i = 0; i < p->n; i++) {
			if (p->link[i]->state == OPEN)
				move_down(p, p->link[i]);
			if (p->link[i]->state == OPEN)
				carry_ends(p->link[i]);
		}
	} while (p->tun != NULL && p->tun->wire.received != before);
}

/* Free what is closed. */
static void
sweep(struct pump *p)
{
	struct link *l;
	size_t i, kept = 0;

	for (i = 0; i < p->n; i++) {
		l = p->link[i];
		if (l->state == CLOSING && l != p->opening &&
		    far_close(&l->far, false) == 0)
			l->state = GONE;
		if (l->state != GONE) {
			p->link[kept++] = l;
			continue;
		}
		free(l);
	}
	p->n = kept;
}

static struct pollfd *
watch(struct pump *p, int fd, short events)
{
	struct pollfd *e = &p->poll[p->npoll];

	if (fd < 0 || events == 0)
		return NULL;
	*e = (struct pollfd){.fd = fd, .events = events};
	p->npoll++;
	return e;
}

static void
watch_link(struct pump *p, struct link *l)
{
	short out, far;

	l->pin = l->pout = l->pfar = NULL;
	if (l->state != OPEN)
		return;
	out = l->down.p != NULL ? POLLOUT : 0;
	if (l->is_socket) {
		l->pin = watch(p, l->in, (short)(out |
		    (wants_up(p, l) ? POLLIN : 0)));
		l->pout = l->pin;
	} else {
		l->pin = watch(p, l->in, wants_up(p, l) ? POLLIN : 0);
		l->pout = watch(p, l->out, out);
	}
	if (l->far.fd >= 0) {
		far = l->down.p == NULL && l->end_at == 0 ? POLLIN : 0;
		if (l->far.full)
			far |= POLLOUT;
		l->pfar = watch(p, l->far.fd, far);
	}
}

/* How long to sleep: until a timer is due. */
static int
patience(const struct pump *p, long long deadline)
{
	long long now = io_now_ms(), until = now + 60000, alive;

	if (p->again || (p->tun != NULL && wire_hidden(&p->tun->wire)))
		return 0;
	if (deadline >= 0 && deadline < until)
		until = deadline;
	if (p->tun != NULL) {
		alive = p->conf->alive_s * 1000LL;
		if (alive > 0 && p->tun->wire.heard + alive / 3 < until &&
		    !p->pinging)
			until = p->tun->wire.heard + alive / 3;
		if (alive > 0 && p->tun->wire.heard + alive < until)
			until = p->tun->wire.heard + alive;
	} else if (!p->up && p->n > 0 && p->retry_at < until) {
		until = p->retry_at;
	}
	if (p->grace_at != 0 && p->grace_at < until)
		until = p->grace_at;
	if (p->accept_at > now && p->accept_at < until)
		until = p->accept_at;
	return until > now ? (int)(until - now) : 0;
}

/* Wait for something to do. True: the wake descriptor spoke. */
static bool
wait_events(struct pump *p, long long deadline)
{
	struct pollfd *wake, *listener = NULL, *ssh = NULL;
	bool room = p->n < LINKS_MAX && io_now_ms() >= p->accept_at;
	struct link *l;
	size_t i;
	int sleep_ms;

	p->poll = mem_resize(p->poll, 3 + 3 * p->n, sizeof(struct pollfd));
	p->npoll = 0;
	wake = watch(p, p->conf->wake, POLLIN);
	if (room)
		listener = watch(p, p->listener, POLLIN);
	if (p->tun != NULL)
		ssh = watch(p, wire_socket(&p->tun->wire), (short)(POLLIN |
		    (wire_queued(&p->tun->wire) > 0 ? POLLOUT : 0)));
	for (i = 0; i < p->n; i++)
		watch_link(p, p->link[i]);
	sleep_ms = patience(p, deadline);
	p->planned = io_now_ms() + sleep_ms;
	if (poll(p->poll, p->npoll, sleep_ms) < 0)
		for (i = 0; i < p->npoll; i++)
			p->poll[i].revents = 0;
	p->again = false;
	p->grace_at = 0;
	if (ssh != NULL && ssh->revents != 0)
		wire_readable(&p->tun->wire);
	for (i = 0; i < p->n; i++) {
		l = p->link[i];
		if (l->pin != NULL && (l->pin->revents & ~POLLOUT) != 0)
			l->readable = true;
		if (l->pfar != NULL && (l->pfar->revents & POLLOUT) != 0)
			l->far.full = false;
	}
	if (listener != NULL && listener->revents != 0)
		accept_all(p);
	return wake != NULL && wake->revents != 0;
}

/* Ask for a sign of life when it is time; notice that none comes. */
static void
check_life(struct pump *p)
{
	long long now = io_now_ms(), alive = p->conf->alive_s * 1000LL;
	struct wire *w = &p->tun->wire;
	char why[64];

	/* We were stopped for a while: the silence is ours. */
	if (now > p->planned + 3000)
		w->heard = now;
	if (alive > 0 && now - w->heard >= alive) {
		snprintf(why, sizeof(why), "silent for %d s",
		    p->conf->alive_s);
		lose(p, why);
		return;
	}
	/* Bytes wait that no call has read: no channel is open, or the
	 * readers of all of them stand still. */
	if (p->pinging || p->opening != NULL || p->again || (w->dry &&
	    (alive == 0 || now - w->heard < alive / 3)))
		return;
	step_ping(p);
}

static void
one_round(struct pump *p)
{
	open_links(p);
	move_all(p);
	if (p->tun != NULL) {
		check_life(p);
		if (p->tun != NULL && p->broken)
			lose(p, p->tun->wire.ended ? wire_reason(&p->tun->wire)
			    : "it ended the session");
		if (p->tun != NULL && wire_flush(&p->tun->wire) != 0)
			lose(p, wire_reason(&p->tun->wire));
	}
	sweep(p);
	if (p->tun != NULL)
		wire_flush(&p->tun->wire);
}

/* Nothing to run through: open it again when it is wanted. FATE_OK: go on. */
static enum fate
restore(struct pump *p)
{
	if (p->up && p->conf->cmd != NULL && !sshcmd_alive(p->conf->cmd))
		lose(p, "ssh ended");
	if (p->up)
		return FATE_OK;
	sweep(p);
	if (p->joined)
		return FATE_FAILED;
	if (p->n == 0 || io_now_ms() < p->retry_at)
		return FATE_OK;
	return reopen(p);
}

enum pump_end
pump_run(struct pump *p, long long deadline)
{
	for (;;) {
		switch (restore(p)) {
		case FATE_STOPPED:
			return PUMP_WAKE;
		case FATE_FAILED:
		case FATE_CONFIG:
			return PUMP_LOST;
		case FATE_AGAIN:
		case FATE_OK:
			break;
		}
		if (p->up)
			one_round(p);
		sweep(p);
		if (p->n == 0 && p->joined && !p->up)
			return PUMP_LOST;
		if (p->n == 0 && (p->joined || p->stopping))
			return PUMP_IDLE;
		if (deadline >= 0 && io_now_ms() >= deadline)
			return PUMP_TIME;
		if (wait_events(p, deadline))
			return PUMP_WAKE;
	}
}

/* A pipe may be opened once more, without blocking and only for us: the
 * flag would else be seen by all who share it. */
static int
own_descriptor(int fd, int flags)
{
	struct stat st;
	char path[32];
	int own = -1;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	}
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

enum fate
pump_join(struct pump *p, int in, int out)
{
	LIBSSH2_CHANNEL *c = NULL;
	struct link *l;
	enum fate f;
	int null;

	if (p->tun != NULL) {
		f = tun_channel(p->tun, p->conf->host, p->conf->port,
		    p->conf->ssh->timeout_s, &c);
		if (f != FATE_OK)
			return f;
	}
	l = add_link(p, own_descriptor(in, O_RDONLY),
	    own_descriptor(out, O_WRONLY));
	l->stdio = true;
	l->far.chan = c;
	l->state = c != NULL ? OPEN : WAITING;
	l->readable = false;
	p->joined = true;
	/* Or the reader would wait for our copy of its pipe to be closed. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, in);
		dup2(null, out);
		close(null);
	}
	return FATE_OK;
}

void
pump_stop_listening(struct pump *p)
{
	p->listener = -1;
	p->stopping = true;
}

void
pump_free(struct pump *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		finish(p->link[i], !p->link[i]->stdio);
		far_close(&p->link[i]->far, true);
		free(p->link[i]);
	}
	tun_free(p->tun);
	free(p->link);
	free(p->poll);
	free(p);
}
