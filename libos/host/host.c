/* The domain interface as host system calls; contracts in host/host.h. */
#include <asm/unistd_64.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/uio.h>

#include "abi/layout.h"
#include "host.h"
#include "lib/string.h"

#define MAP_ALWAYS (MAP_PRIVATE | MAP_FIXED)
#define HOST_MSG_DONTWAIT 0x40
#define HOST_MSG_CMSG_CLOEXEC 0x40000000
#define HOST_SCM_RIGHTS 1
#define HOST_SOL_SOCKET 1

struct host_msghdr {
	void *name;
	u32 name_len;
	struct iovec *iov;
	u64 iov_len;
	void *control;
	u64 control_len;
	u32 flags;
};

struct host_cmsghdr {
	u64 len;
	s32 level, type;
};

long host_mmap(u64 addr, u64 bytes, int prot, int flags, int fd, u64 offset)
{
	int all = MAP_ALWAYS | (flags & MAP_NORESERVE) | (fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);

	return host_syscall(__NR_mmap, addr, bytes, (u64)prot, (u64)all, (u64)(s64)fd, offset);
}

long host_munmap(u64 addr, u64 bytes)
{
	return host_syscall(__NR_munmap, addr, bytes, 0, 0, 0, 0);
}

long host_mprotect(u64 addr, u64 bytes, int prot)
{
	return host_syscall(__NR_mprotect, addr, bytes, (u64)prot, 0, 0, 0);
}

long host_mremap(u64 old_addr, u64 old_bytes, u64 new_bytes, u64 new_addr)
{
	return host_syscall(__NR_mremap, old_addr, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			    new_addr, 0);
}

long host_discard(u64 addr, u64 bytes)
{
	return host_syscall(__NR_madvise, addr, bytes, MADV_DONTNEED, 0, 0, 0);
}

/* The host takes no more at a time. */
long host_populate(u64 addr, u64 bytes, bool writable)
{
	u64 advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
	long ret = 0;

	for (u64 end = addr + bytes; ret >= 0 && addr < end; addr += UC_POPULATE_MAX) {
		u64 part = end - addr < UC_POPULATE_MAX ? end - addr : UC_POPULATE_MAX;
		ret = host_syscall(__NR_madvise, addr, part, advice, 0, 0, 0);
	}
	return ret;
}

long host_pread(int fd, void *buf, u64 bytes, u64 offset)
{
	return host_syscall(__NR_pread64, (u64)fd, (u64)buf, bytes, offset, 0, 0);
}

long host_close(int fd)
{
	return host_syscall(__NR_close, (u64)fd, 0, 0, 0, 0, 0);
}

static int take_descriptors(const struct host_msghdr *m, int *fds, int fd_max)
{
	const struct host_cmsghdr *c = m->control;

	if (m->control_len < sizeof *c || c->level != HOST_SOL_SOCKET || c->type != HOST_SCM_RIGHTS)
		return 0;
	int n = (int)((c->len - sizeof *c) / sizeof(int));
	const int *got = (const int *)(c + 1);
	for (int i = 0; i < n; i++) {
		if (i < fd_max)
			fds[i] = got[i];
		else
			host_close(got[i]);
	}
	return MIN(n, fd_max);
}

long host_link_recv(void *buf, u64 bytes, bool wait, int *fds, int fd_max, int *fd_count)
{
	u64 control[128];
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	struct host_msghdr m = {
		.iov = &iov, .iov_len = 1, .control = control, .control_len = sizeof control
	};
	u64 flags = HOST_MSG_CMSG_CLOEXEC | (wait ? 0 : HOST_MSG_DONTWAIT);
	long n = host_syscall(__NR_recvmsg, UC_LINK_FD, (u64)&m, flags, 0, 0, 0);

	*fd_count = n < 0 ? 0 : take_descriptors(&m, fds, fd_max);
	return n;
}

long host_link_send(const struct iovec *iov, int count)
{
	return host_syscall(__NR_writev, UC_LINK_FD, (u64)iov, (u64)count, 0, 0, 0);
}

long host_link_wait(s64 timeout_ns)
{
	struct pollfd p = { .fd = UC_LINK_FD, .events = POLLIN };
	s64 ts[2] = { timeout_ns / 1000000000, timeout_ns % 1000000000 };

	return host_syscall(__NR_ppoll, (u64)&p, 1, timeout_ns < 0 ? 0 : (u64)ts, 0, 0, 0);
}

long host_clock_gettime(int clock, s64 ts[2])
{
	return host_syscall(__NR_clock_gettime, (u64)clock, (u64)ts, 0, 0, 0, 0);
}

long host_set_alarm(u64 after_us)
{
	s64 value[4] = { 0, 0, (s64)(after_us / 1000000), (s64)(after_us % 1000000) };

	return host_syscall(__NR_setitimer, 0, (u64)value, 0, 0, 0, 0);
}

void host_exit(int status)
{
	for (;;)
		host_syscall(__NR_exit_group, (u64)status, 0, 0, 0, 0, 0);
}
