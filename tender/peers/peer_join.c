#include "peers/peer_join.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "abi/control.h"
#include "base/base.h"
#include "base/peer_set.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "memory/packs.h"
#include "memory/snapshot.h"
#include "peers/peer.h"
#include "sandbox/huge_image.h"
#include "tender.h"

/* A tender that has just been started says hello at once. */
#define HELLO_TIMEOUT_MS 1000

/* Descriptors of a PEER_HELLO, in this order. */
enum hello_fds {
	HELLO_PACK = 1,  /* the sender's */
	HELLO_HUGE = 2,  /* where images lie in huge pages */
	HELLO_YOURS = 4, /* what was the pack of the receiver's index before */
	HELLO_HOLDS = 8, /* the list of words in it that the sender holds */
};
/* A pack, the list of what is held of it, and room. */
#define HELLO_FDS_MAX 4

struct joining {
	struct event_source listener; /* new connections, or -1 */
	struct peer_set joined;
	int count, expected; /* expected: -1 until the node has said it */
	uint32_t seq;        /* of that request */
	bool is_settled;
};

static int address_of(const char *path, struct sockaddr_un *address)
{
	size_t length = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (length >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, length);
	return 0;
}

static int say_hello(struct tender *t, int sock, int to, bool is_joining)
{
	struct peer_message m = { .type = PEER_HELLO, .index = (uint32_t)t->index, .fds = HELLO_PACK };
	int fds[HELLO_FDS_MAX] = { packs_fd(t, t->index) }, count = 1, holds = -1, error;

	if (is_joining && t->huge_fs == HUGE_FS_UNKNOWN)
		t->huge_fs = huge_fs_open();
	if (is_joining && t->huge_fs >= 0) {
		m.fds |= HELLO_HUGE;
		fds[count++] = t->huge_fs;
	}
	if (is_joining && packs_fd(t, to) >= 0) {
		m.fds |= HELLO_YOURS | HELLO_HOLDS;
		holds = snapshots_list_packed(t, to);
		if (holds < 0)
			return holds;
		fds[count++] = packs_fd(t, to);
		fds[count++] = holds;
	}
	error = peer_send(sock, &m, fds, count);
	close_if_open(holds);
	return error;
}

/* ---- the side of one that is there ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un address;
	int error = address_of(path, &address), sock;

	if (error)
		return error;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0) {
		error = -errno;
		close(sock);
		return error;
	}
	return sock;
}

static int open_peer(struct tender *t, int index, int sock)
{
	struct peer *p = &t->peers[index];
	int error;

	p->source.fd = sock;
	error = loop_add(t, &p->source, EPOLLIN);
	if (error)
		p->source.fd = -1;
	return error;
}

int peer_join(struct tender *t, uint32_t index, const char *path, uint32_t seq)
{
	int to = (int)index, sock, error;

	if (index >= (uint32_t)t->count || to == t->index)
		return -EINVAL;
	peer_gone(t, to);
	sock = connect_to(path);
	if (sock < 0)
		return sock;
	error = say_hello(t, sock, to, true);
	if (!error)
		error = open_peer(t, to, sock);
	if (error) {
		close(sock);
		return error;
	}
	t->peers[to].join_seq = seq;
	return 0;
}

void peer_welcomed(struct tender *t, int index, const struct peer_message *m, const int *fds, int fd_count)
{
	struct peer *p = &t->peers[index];

	if (m->fds != HELLO_PACK || fd_count != 1 || !p->join_seq)
		fatal(0, "an unexpected greeting of tender %d", index);
	packs_set_fd(t, index, fds[0]);
	control_ok(t, 0, p->join_seq, NULL, 0);
	p->join_seq = 0;
}

/* ---- the side of the new one ---- */

static void welcome(struct tender *t, int index)
{
	int error = say_hello(t, t->peers[index].source.fd, index, false);

	if (error && !peer_is_end(error))
		fatal(-error, "greeting of tender %d", index);
}

static void settle_if_all_joined(struct tender *t)
{
	struct joining *j = t->joining;
	int error;

	if (j->is_settled || j->expected < 0 || j->count < j->expected)
		return;
	j->is_settled = true;
	error = packed_settle(t);
	if (error) {
		control_error(t, 0, j->seq, -error, "words of the tender before: %s", strerror(-error));
		return;
	}
	for (int i = 0; i < t->count; i++)
		if (peer_set_has(&j->joined, i) && peer_is_there(t, i))
			welcome(t, i);
	control_ok(t, 0, j->seq, NULL, 0);
}

/* What tenders bring of a pack is the same one. */
static int take_hello(struct tender *t, int index, uint32_t which, const int *fds)
{
	int at = 0, error = 0;

	packs_set_fd(t, index, fds[at++]);
	if (which & HELLO_HUGE) {
		if (t->huge_fs == HUGE_FS_UNKNOWN)
			t->huge_fs = fds[at++];
		else
			close(fds[at++]);
	}
	if (which & HELLO_YOURS) {
		packs_set_fd(t, t->index, fds[at++]);
		error = packed_take_list(t, fds[at], index);
		close(fds[at++]);
	}
	return error;
}

static int greet(struct tender *t, int sock)
{
	struct peer_message m = { 0 };
	struct iovec iov = { &m, sizeof m };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int fds[HELLO_FDS_MAX], fd_count = 0, index, error;
	ssize_t n;

	if (poll(&p, 1, HELLO_TIMEOUT_MS) != 1)
		return -ETIMEDOUT;
	n = recv_with_fds(sock, &iov, 1, fds, HELLO_FDS_MAX, &fd_count, MSG_DONTWAIT);
	index = (int)m.index;
	if (n != sizeof m || m.type != PEER_HELLO || m.index >= (uint32_t)t->count || index == t->index ||
	    !(m.fds & HELLO_PACK) || fd_count != __builtin_popcount(m.fds)) {
		for (int i = 0; i < fd_count; i++)
			close(fds[i]);
		return n < 0 ? (int)n : -EPROTO;
	}
	error = take_hello(t, index, m.fds, fds);
	if (error)
		return error;
	peer_gone(t, index);
	error = open_peer(t, index, sock);
	if (error)
		return error;
	if (!peer_set_has(&t->joining->joined, index))
		t->joining->count++;
	peer_set_add(&t->joining->joined, index);
	if (t->joining->is_settled)
		welcome(t, index);
	return 0;
}

static void listener_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	int sock = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC), error;

	(void)events;
	if (sock < 0)
		return;
	error = greet(t, sock);
	if (error) {
		close(sock);
		return;
	}
	settle_if_all_joined(t);
}

void peer_await_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct joining *j = t->joining;
	uint32_t expected;

	if (frame->len != sizeof expected || j->expected >= 0) {
		control_error(t, 0, frame->seq, EINVAL, "await: the message is malformed");
		return;
	}
	memcpy(&expected, payload, sizeof expected);
	j->expected = (int)expected;
	j->seq = frame->seq;
	settle_if_all_joined(t);
}

void peer_join_init(struct tender *t, const char *path)
{
	struct sockaddr_un address;
	struct joining *j = xcalloc(1, sizeof *j);
	int error, sock;

	t->joining = j;
	j->expected = -1;
	j->listener = (struct event_source){ .fd = -1, .ready = listener_ready };
	if (!path)
		return;
	error = address_of(path, &address);
	if (error)
		fatal(-error, "%s", path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(sock, PEERS_MAX) < 0)
		fatal(errno, "socket for other tenders, %s", path);
	j->listener.fd = sock;
	error = loop_add(t, &j->listener, EPOLLIN);
	if (error)
		fatal(-error, "socket for other tenders");
}
