/*
 * host.c: the domain interface as the library OS calls it. Each function is one host
 * system call made through the only stub that the seccomp filter lets pass
 * (host/hostcall.S). Results are as Linux returns them: negative errno on failure.
 *
 * docs/reference/domain-interface.md lists every call with its checks and its reason.
 */
#ifndef LIBOS_HOST_H
#define LIBOS_HOST_H

#include "include/types.h"

struct iovec;
struct msghdr;

/* host/hostcall.S */
long host_syscall(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* host/hostcall.S: takes on the registers of a ucontext (rt_sigreturn(2)). */
noreturn_fn void host_sigreturn(u64 ucontext);

/* Maps at addr exactly, private; fd -1 for zeroed memory. flags may add MAP_NORESERVE. */
long host_mmap(u64 addr, u64 bytes, int prot, int flags, int fd, u64 offset);
long host_munmap(u64 addr, u64 bytes);
long host_mprotect(u64 addr, u64 bytes, int prot);
/* Moves old to exactly new_addr (MREMAP_MAYMOVE | MREMAP_FIXED). */
long host_mremap(u64 old_addr, u64 old_bytes, u64 new_bytes, u64 new_addr);
/* Gives the pages back: they read as zero, or as the file. */
long host_discard(u64 addr, u64 bytes);
/* Gives all pages at once; writable: as if each were written to. */
long host_populate(u64 addr, u64 bytes, bool writable);
long host_pread(int fd, void *buf, u64 bytes, u64 offset);
long host_close(int fd);
/* One packet from or to the link. recv: *fds gets up to fd_max descriptors, *fd_count their number. */
long host_link_recv(void *buf, u64 bytes, bool wait, int *fds, int fd_max, int *fd_count);
long host_link_send(const struct iovec *iov, int count); /* waits while the host is slow */
/* Waits until the link is readable; 1 readable, 0 deadline passed. timeout_ns < 0: for ever. */
long host_link_wait(s64 timeout_ns);
long host_clock_gettime(int clock, s64 ts[2]);
/* Interval timer for preemption: SIGALRM once, after_us from now; 0 disarms. */
long host_set_alarm(u64 after_us);
noreturn_fn void host_exit(int status);

#endif
