/* Lists, time, errors and descriptor passing: what every part of the tender uses. */
#ifndef TENDER_BASE_H
#define TENDER_BASE_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define PAGE_UP(x) (((uint64_t)(x) + 4095) & ~4095ull)
#define PAGE_DOWN(x) ((uint64_t)(x) & ~4095ull)

/* Circular doubly linked list; a head is a node that is its own neighbour when empty. */
struct list_node {
	struct list_node *next, *prev;
};

static inline void list_init(struct list_node *n)
{
	n->next = n->prev = n;
}

static inline bool list_empty(const struct list_node *n)
{
	return n->next == n;
}

static inline void list_add_tail(struct list_node *n, struct list_node *head)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/* Leaves n an empty list, so that removing twice does no harm. */
static inline void list_del(struct list_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each_safe(pos, tmp, head)                                          \
	for (struct list_node *pos = (head)->next, *tmp = pos->next; pos != (head); \
	     pos = tmp, tmp = pos->next)
#define list_for_each(pos, head) for (struct list_node *pos = (head)->next; pos != (head); pos = pos->next)

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);
/* Time that the calling thread has been on a core. */
uint64_t thread_cpu_ns(void);
/*
 * The clock of a process: as clock_getcpuclockid(3), which would ask first whether there is such a process.
 */
clockid_t process_clock(pid_t pid);
/* Time that a process has been on a core; 0 when there is none of that number. */
uint64_t process_cpu_ns(pid_t pid);

/* Ends the process with a message on stderr; the format gets strerror(error) appended unless error is 0. */
void fatal(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* Never NULL: the tender ends when the host has no memory left for its own bookkeeping. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t bytes);

/* More than the kernel's SCM_MAX_FD (253) cannot travel in one message. */
#define SEND_FDS_MAX 253

/* One sendmsg with descriptors; bytes sent or -errno. Never raises SIGPIPE. */
ssize_t send_with_fds(int sock, const struct iovec *iov, int iov_count, const int *fds, int fd_count,
		      int flags);

/*
 * One recvmsg; received descriptors are close-on-exec and number at most fd_max.
 * Bytes received, 0 at the end of the stream, or -errno. A message that was cut short
 * (data or descriptors) is -EMSGSIZE and leaves no descriptor behind.
 */
ssize_t recv_with_fds(int sock, const struct iovec *iov, int iov_count, int *fds, int fd_max, int *fd_count,
		      int flags);

/* All bytes at offset or -errno (-ENODATA at the end of the file). */
int pread_all(int fd, void *buf, size_t bytes, uint64_t offset);
int pwrite_all(int fd, const void *buf, size_t bytes, uint64_t offset);

/* Reads a whole small file (of /proc) under dir; NUL-ended, to be freed. Bytes or -errno. */
ssize_t read_text_at(int dir, const char *path, char **text);

void close_if_open(int fd);

#endif
