/* AF_UNIX names: in the file tree, abstract, and chosen for the socket. unix(7). */
#include <asm/errno.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "unix.h"

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)
#define AUTOBIND_LEN 6 /* a NUL and five hexadecimal digits */
#define AUTOBIND_NAMES 0x100000u

static struct list_node bound = { &bound, &bound };

struct unix_sock *unix_new(const struct sock_ops *ops, int type)
{
	struct unix_sock *u = sock_new(ops, sizeof *u, AF_UNIX, type, 0);

	if (!u)
		return NULL;
	list_init(&u->bound);
	list_init(&u->backlog);
	list_init(&u->pending);
	list_init(&u->senders);
	list_init(&u->sender);
	packet_queue_init(&u->queue);
	return u;
}

/* Checks addr and gives its path an end; is_path false: abstract. */
static int unix_check(const struct sock_addr *addr, struct unix_name *name, bool *is_path)
{
	if (addr->len <= NAME_OFFSET || addr->len > sizeof name->un || addr->family != AF_UNIX)
		return -EINVAL;
	memset(name, 0, sizeof *name);
	name->refs = 1;
	name->un = addr->un;
	name->len = addr->len;
	*is_path = name->un.sun_path[0];
	if (*is_path)
		name->len = NAME_OFFSET + strnlen(name->un.sun_path, addr->len - NAME_OFFSET) + 1;
	return 0;
}

/* A path of the greatest length has no NUL in sun_path. */
static void unix_path(const struct unix_name *name, char path[UNIX_PATH_MAX + 1])
{
	memset(path, 0, UNIX_PATH_MAX + 1);
	memcpy(path, name->un.sun_path, MIN(name->len - NAME_OFFSET, UNIX_PATH_MAX));
}

static struct unix_sock *find_abstract(const struct unix_name *name, int type)
{
	list_for_each(n, &bound) {
		struct unix_sock *u = list_entry(n, struct unix_sock, bound);

		if (!u->inode && u->name->len == name->len && (!type || u->sock.type == type) &&
		    !memcmp(u->name->un.sun_path, name->un.sun_path, name->len - NAME_OFFSET))
			return u;
	}
	return NULL;
}

static struct unix_sock *find_inode(const struct inode *i)
{
	list_for_each(n, &bound) {
		struct unix_sock *u = list_entry(n, struct unix_sock, bound);

		if (u->inode == i)
			return u;
	}
	return NULL;
}

static int bind_name(struct unix_sock *u, const struct unix_name *name)
{
	struct unix_name *own = kmalloc(sizeof *own);

	if (!own)
		return -ENOMEM;
	*own = *name;
	u->name = own;
	list_add_tail(&u->bound, &bound);
	return 0;
}

static int bind_path(struct unix_sock *u, const struct unix_name *name)
{
	char path[UNIX_PATH_MAX + 1];
	struct inode *i;

	unix_path(name, path);
	int r = path_create_socket(path, 0777 & ~fs_umask(), &i);
	if (r)
		return r;
	r = bind_name(u, name);
	if (r)
		inode_put(i);
	else
		u->inode = i;
	return r;
}

static int autobind(struct unix_sock *u)
{
	static u32 next;
	struct unix_name name = { .refs = 1, .len = NAME_OFFSET + AUTOBIND_LEN, .un.sun_family = AF_UNIX };

	for (u32 tries = 0; tries < AUTOBIND_NAMES; tries++) {
		char digits[AUTOBIND_LEN];

		next = (next + 1) % AUTOBIND_NAMES;
		snprintf(digits, sizeof digits, "%05x", next);
		memcpy(name.un.sun_path + 1, digits, AUTOBIND_LEN - 1);
		if (!find_abstract(&name, u->sock.type))
			return bind_name(u, &name);
	}
	return -ENOSPC;
}

int unix_bind(struct sock *s, const struct sock_addr *addr)
{
	struct unix_sock *u = unix_of(s);
	struct unix_name name;
	bool is_path;

	if (addr->len == sizeof addr->family && addr->family == AF_UNIX)
		return u->name ? 0 : autobind(u);
	int r = unix_check(addr, &name, &is_path);
	if (r)
		return r;
	if (u->name)
		return -EINVAL;
	if (is_path)
		return bind_path(u, &name);
	return find_abstract(&name, s->type) ? -EADDRINUSE : bind_name(u, &name);
}

int unix_find(const struct sock_addr *addr, int type, struct unix_sock **out)
{
	char path[UNIX_PATH_MAX + 1];
	struct unix_name name;
	struct inode *i;
	bool is_path;
	int r = unix_check(addr, &name, &is_path);

	if (r)
		return r;
	if (is_path) {
		unix_path(&name, path);
		r = path_find_inode(path, &i);
		if (r)
			return r;
		*out = find_inode(i);
		inode_put(i);
	} else {
		*out = find_abstract(&name, type);
	}
	if (!*out)
		return -ECONNREFUSED;
	return (*out)->sock.type == type ? 0 : -EPROTOTYPE;
}

void unix_addr_of(const struct unix_name *name, struct sock_addr *out)
{
	if (name) {
		out->len = name->len;
		out->un = name->un;
	} else {
		out->len = sizeof out->family;
		out->family = AF_UNIX;
	}
}

int unix_name_of(struct sock *s, bool peer, struct sock_addr *out)
{
	struct unix_sock *u = unix_of(s);

	if (peer && !u->peer)
		return -ENOTCONN;
	unix_addr_of(peer ? u->peer->name : u->name, out);
	return 0;
}

void unix_unbind(struct unix_sock *u)
{
	list_del(&u->bound);
	if (u->inode)
		inode_put(u->inode);
	u->inode = NULL;
}

void unix_destroy(struct sock *s)
{
	struct unix_sock *u = unix_of(s);

	if (u->name)
		unix_name_put(u->name);
}

long unix_unsent(struct sock *s)
{
	struct unix_sock *u = unix_of(s);

	return u->peer ? u->peer->queue.charge : 0;
}
