/*
 * Sockets. A struct sock is the common part of every socket; a transport (Unix stream,
 * loopback TCP, …) embeds it and serves it by a struct sock_ops. The layer above
 * (socket.c, sockmsg.c, sock.c) does all blocking, copying of arguments and descriptors.
 *
 * A transport never blocks: it answers -EAGAIN and wakes s->wait when that may have
 * changed. It may hand a socket over to another transport by replacing s->ops: that is
 * how a transport to the outside joins in at connect or at the first sendto (inet.c,
 * inet_is_local).
 */
#ifndef LIBOS_NET_SOCK_H
#define LIBOS_NET_SOCK_H

#include <asm/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/un.h>

#include "thread/thread.h"
#include "vfs/vfs.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define SOL_NETLINK 270

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5

#define MSG_OOB 0x1u
#define MSG_PEEK 0x2u
#define MSG_CTRUNC 0x8u
#define MSG_TRUNC 0x20u
#define MSG_DONTWAIT 0x40u
#define MSG_EOR 0x80u
#define MSG_WAITALL 0x100u
#define MSG_ERRQUEUE 0x2000u
#define MSG_NOSIGNAL 0x4000u
#define MSG_WAITFORONE 0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SHUT_RD_BIT 1u
#define SHUT_WR_BIT 2u
#define SHUT_BOTH (SHUT_RD_BIT | SHUT_WR_BIT)

#define SOCK_BUF_DEFAULT 212992u /* net.core.rmem_default */
#define SOCK_BUF_MAX 212992u     /* net.core.rmem_max */
#define SOCK_BACKLOG_MAX 4096u   /* net.core.somaxconn */

struct sock_addr {
	u32 len; /* 0: none */
	union {
		u16 family;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_nl nl;
		u8 bytes[128];
	};
};

struct scm_files;

/* What goes beside the bytes of a message. */
struct scm {
	struct scm_files *files; /* SCM_RIGHTS, owned; NULL: none */
	s32 hop_limit, traffic_class; /* of IP; -1: not said */
};

/* A message on its way through a transport. */
struct sock_msg {
	struct uio *uio;
	u32 flags;              /* MSG_… */
	struct sock_addr *addr; /* send: destination or NULL; recv: gets the source, or NULL */
	struct scm scm;         /* send: a transport that keeps the files takes them away from here */
	u32 out_flags;          /* recv: MSG_TRUNC, MSG_EOR */
	bool nonblock;          /* the caller will not wait */
	struct sock *blocker;   /* with -EAGAIN: wait on this counted socket instead of one's own */
};

struct sock;

/* Those not said to be optional are always there. */
struct sock_ops {
	bool stream; /* a byte stream: a send may take a part, the caller goes on with the rest */
	bool urgent; /* send and recv know MSG_OOB */
	int (*bind)(struct sock *s, const struct sock_addr *addr);
	int (*listen)(struct sock *s, u32 backlog); /* optional: EOPNOTSUPP, as accept */
	int (*accept)(struct sock *s, struct sock **out);
	/*
	 * 0, -EINPROGRESS (ask connected until it says something else), -EALREADY likewise, -EAGAIN with
	 * *blocker.
	 */
	int (*connect)(struct sock *s, const struct sock_addr *addr, struct sock **blocker);
	int (*connected)(struct sock *s); /* optional: 0, -EINPROGRESS, or the error, told once */
	int (*pair)(struct sock *a, struct sock *b); /* optional: EOPNOTSUPP */
	int (*name)(struct sock *s, bool peer, struct sock_addr *out);
	ssize_t (*send)(struct sock *s, struct sock_msg *m);
	ssize_t (*recv)(struct sock *s, struct sock_msg *m);
	int (*shutdown)(struct sock *s, u32 how); /* SHUT_… bits */
	u32 (*poll)(struct sock *s);
	long (*unread)(struct sock *s); /* FIONREAD */
	long (*unsent)(struct sock *s); /* SIOCOUTQ */
	/* Optional; -ENOPROTOOPT: the common table of options is asked. */
	int (*setopt)(struct sock *s, int level, int name, int value);
	int (*getopt)(struct sock *s, int level, int name, int *value);
	void (*close)(struct sock *s);   /* its file is gone */
	void (*destroy)(struct sock *s); /* optional: the last reference is gone, before s is freed */
};

struct sock {
	const struct sock_ops *ops;
	u32 refs;
	u16 family, type;
	int protocol;
	struct waitq wait;
	u64 ino;
	int error; /* pending, negative: told by the next call or SO_ERROR */
	u32 shut;  /* SHUT_… bits */
	u32 sndbuf, rcvbuf; /* bytes */
	u64 sndtimeo_ns, rcvtimeo_ns; /* DEADLINE_NONE: for ever */
	bool reuse_addr, reuse_port, pass_cred, linger_on;
	bool no_space; /* someone was told that there is no room to send */
	u32 linger_s;
	struct list_node options; /* sockopt.c: values set and kept */
};

/* sock.c ------------------------------------------------------------------- */

/* A socket of bytes bytes whose first member is a struct sock; refs 1, NULL when memory is short. */
void *sock_new(const struct sock_ops *ops, size_t bytes, int family, int type, int protocol);
struct sock *sock_get(struct sock *s);
void sock_put(struct sock *s);
/* Buffer sizes, time-outs and options of a listener, for the socket that it accepted. */
void sock_inherit(struct sock *child, const struct sock *parent);
static inline int sock_take_error(struct sock *s)
{
	int error = s->error;

	s->error = 0;
	return error;
}
/* These block as socket(7) says, unless nonblock; -EAGAIN, -ERESTARTSYS, -EINTR (with a time-out set). */
int sock_accept(struct sock *s, bool nonblock, struct sock **out);
int sock_connect(struct sock *s, const struct sock_addr *addr, bool nonblock);
ssize_t sock_send(struct sock *s, struct sock_msg *m, bool nonblock);
ssize_t sock_recv(struct sock *s, struct sock_msg *m, bool nonblock);

/* sockfile.c ------------------------------------------------------------------ */

struct sock *file_sock(struct file *f); /* NULL: no socket */
/* The socket of a descriptor, with its file counted: 0, -EBADF, -ENOTSOCK. */
int sock_of_fd(int fd, struct file **f, struct sock **s);
/* Gives s to a new descriptor; on failure s is closed and put. flags: SOCK_CLOEXEC, SOCK_NONBLOCK. */
int sock_install(struct sock *s, u32 flags);

/* family.c: socket(2)'s choice of the transport: 0 or -errno. */
int sock_create(int family, int type, int protocol, struct sock **out);

/* sockopt.c */
void sockopt_clear(struct sock *s);
int sockopt_copy(struct sock *to, const struct sock *from); /* 0, -ENOMEM */
int sockopt_stored(const struct sock *s, int level, int name); /* the value kept, or its default */

/* ifreq.c: SIOCGIF… */
long ifreq_ioctl(u32 cmd, u64 arg);

/* sockaddr.c: addresses of guest memory. */
int sock_addr_read(struct sock_addr *a, u64 addr, s32 len);
/* Stores a, cut to what *len_addr allows, and its full length there. */
int sock_addr_write(const struct sock_addr *a, u64 addr, u64 len_addr);

/* unix_*.c, tcp.c, udp.c, netlink.c: constructors; NULL when memory is short. */
struct sock *unix_stream_new(int type);
struct sock *unix_dgram_new(void);
struct sock *tcp_new(int family);
struct sock *udp_new(int family, int protocol); /* IPPROTO_UDP or IPPROTO_UDPLITE */
struct sock *netlink_route_new(int type);

#endif
