/* The calls that a UC may make of its host: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define X32 0x40000000u
/* Probes of the host's administrator, of Linux 6.11 and 6.18. */
#define SYS_uretprobe 335
#define SYS_uprobe 336
#define VSYSCALL_PAGE 0xffffffffff600000ul
#define ARENA (UC_ARENA_BASE + (1ul << 30))
#define ABOVE UC_GUEST_END
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)

static uint32_t next_uc = 1;

static uint32_t boot(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	return uc;
}

struct host_call {
	const char *name;
	uint64_t nr, args[6];
};

static const struct host_call forbidden[] = {
	{ "open", SYS_open, { 0 } },
	{ "openat", SYS_openat, { (uint64_t)AT_FDCWD } },
	{ "read", SYS_read, { UC_LINK_FD } },
	{ "write", SYS_write, { UC_LINK_FD } },
	{ "socket", SYS_socket, { 1, 1, 0 } },
	{ "clone", SYS_clone, { 17 } },
	{ "fork", SYS_fork, { 0 } },
	{ "execve", SYS_execve, { 0 } },
	{ "ptrace", SYS_ptrace, { 0 } },
	{ "kill", SYS_kill, { 1, 0 } },
	{ "brk", SYS_brk, { 0 } },
	{ "prctl", SYS_prctl, { 0 } },
	{ "arch_prctl", SYS_arch_prctl, { 0x1002, 0 } },
	{ "ioctl", SYS_ioctl, { UC_LINK_FD, 0x5401 } },
	{ "dup", SYS_dup, { UC_LINK_FD } },
	{ "fcntl", SYS_fcntl, { UC_LINK_FD, 1 } },
	{ "sendmsg", SYS_sendmsg, { UC_LINK_FD } },
	{ "shutdown", SYS_shutdown, { UC_LINK_FD, 2 } },
	{ "rt_sigaction", SYS_rt_sigaction, { 31 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 1 } },
	{ "userfaultfd", SYS_userfaultfd, { 0 } },
	{ "bpf", SYS_bpf, { 0 } },
	{ "restart_syscall", SYS_restart_syscall, { 0 } },
	{ "no call", -1ul, { 0 } },
	{ "x32 recvmsg", X32 | SYS_recvmsg, { UC_LINK_FD } },
	{ "x32 munmap", X32 | SYS_munmap, { ARENA, 4096 } },
	{ "x32 exit_group", X32 | SYS_exit_group, { 0 } },
	{ "x32 writev", X32 | 516, { UC_LINK_FD } },
	{ "x32 uretprobe", X32 | SYS_uretprobe, { 0 } },
	{ "x32 uprobe", X32 | SYS_uprobe, { 0 } },
	{ "recvmsg of another descriptor", SYS_recvmsg, { 4 } },
	{ "recvmsg with MSG_PEEK", SYS_recvmsg, { UC_LINK_FD, 0, MSG_PEEK } },
	{ "writev to another descriptor", SYS_writev, { 1 } },
	{ "ppoll of two", SYS_ppoll, { 0, 2 } },
	{ "ppoll of 2^32 + 1", SYS_ppoll, { 0, (1ul << 32) + 1 } },
	{ "clock of another process", SYS_clock_gettime, { (uint64_t)~7 } },
	{ "virtual timer", SYS_setitimer, { 1 } },
	{ "close of the link", SYS_close, { UC_LINK_FD } },
	{ "close of /dev/null", SYS_close, { 0 } },
	{ "mmap above", SYS_mmap, { ABOVE, 4096, 3, FIXED, -1ul, 0 } },
	{ "mmap high above", SYS_mmap, { 1ul << 46, 4096, 3, FIXED, -1ul, 0 } },
	{ "getrandom", SYS_getrandom, { ARENA, 8, 0 } },
	{ "mmap too long", SYS_mmap, { ARENA, ABOVE, 3, FIXED, -1ul, 0 } },
	{ "mmap anywhere", SYS_mmap, { 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0 } },
	{ "mmap shared", SYS_mmap, { ARENA, 4096, 3, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1ul, 0 } },
	{ "mmap shared and private", SYS_mmap, { ARENA, 4096, 3, FIXED | MAP_SHARED, -1ul, 0 } },
	{ "mmap growing down", SYS_mmap, { ARENA, 4096, 3, FIXED | MAP_GROWSDOWN, -1ul, 0 } },
	{ "mmap locked", SYS_mmap, { ARENA, 4096, 3, FIXED | MAP_LOCKED, -1ul, 0 } },
	{ "mmap huge", SYS_mmap, { ARENA, 2 << 20, 3, FIXED | MAP_HUGETLB, -1ul, 0 } },
	{ "mmap with high flags", SYS_mmap, { ARENA, 4096, 3, FIXED | 1ul << 32, -1ul, 0 } },
	{ "mmap with other protection", SYS_mmap, { ARENA, 4096, 0x1000003, FIXED, -1ul, 0 } },
	{ "mprotect above", SYS_mprotect, { ABOVE, 4096, 1 } },
	{ "mprotect growing down", SYS_mprotect, { ARENA, 4096, 0x1000001 } },
	{ "mremap anywhere", SYS_mremap, { ARENA, 4096, 8192, MREMAP_MAYMOVE, 0 } },
	{ "mremap that keeps", SYS_mremap, { ARENA, 4096, 4096, 7, ARENA } },
	{ "mremap above", SYS_mremap, { ARENA, 4096, 4096, 3, ABOVE } },
	{ "mremap too long", SYS_mremap, { ARENA, 4096, ABOVE, 3, ARENA } },
	{ "madvise HUGEPAGE", SYS_madvise, { ARENA, 4096, MADV_HUGEPAGE } },
	{ "madvise REMOVE", SYS_madvise, { ARENA, 4096, MADV_REMOVE } },
	{ "populate of more than 2 MiB", SYS_madvise, { ARENA, UC_POPULATE_MAX + 4096, 23 } },
	{ "populate of one byte more", SYS_madvise, { ARENA, UC_POPULATE_MAX + 1, 22 } },
	{ "populate of 4 GiB", SYS_madvise, { ARENA, 1ul << 32, 22 } },
	{ "populate to the end", SYS_madvise, { ARENA, ~0ul, 23 } },
};

static void forbidden_calls_kill(void)
{
	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
		struct probe_call call = { .op = PROBE_HOST_CALL, .nr = forbidden[i].nr };
		uint32_t uc = boot();
		struct probe_result r;

		memcpy(call.args, forbidden[i].args, sizeof call.args);
		if (client_probe(&client, tender, uc, &call, &r) != PROBE_ENDED) {
			fprintf(stderr, "%s has not killed\n", forbidden[i].name);
			exit(1);
		}
		CHECK(WIFSIGNALED(client.last_exit.wait_status) &&
		      WTERMSIG(client.last_exit.wait_status) == SIGSYS);
	}
}

static void allowed_calls_work(void)
{
	static const struct {
		struct host_call call;
		uint64_t result;
	} calls[] = {
		{ { "mmap", SYS_mmap, { ARENA, 8192, 3, FIXED | MAP_NORESERVE, -1ul, 0 } }, ARENA },
		{ { "populate", SYS_madvise, { ARENA, 4096, 23 } }, 0 },
		{ { "populate of 2 MiB", SYS_madvise, { ARENA, UC_POPULATE_MAX, 22 } }, (uint64_t)-ENOMEM },
		{ { "drop", SYS_madvise, { ARENA, 4096, MADV_DONTNEED } }, 0 },
		{ { "drop of much", SYS_madvise, { ARENA, 4ul << 30, MADV_DONTNEED } }, (uint64_t)-ENOMEM },
		{ { "mprotect", SYS_mprotect, { ARENA, 4096, 1 } }, 0 },
		{ { "mremap", SYS_mremap, { ARENA + 4096, 4096, 8192, 3, ARENA + (1 << 20) } },
		  ARENA + (1 << 20) },
		{ { "munmap", SYS_munmap, { ARENA, 4096 } }, 0 },
		{ { "clock", SYS_clock_gettime, { 1, UC_ARENA_BASE } }, (uint64_t)-EFAULT },
		{ { "close", SYS_close, { 100 } }, (uint64_t)-EBADF },
		{ { "pread of the link", SYS_pread64, { UC_LINK_FD, ARENA, 8, 0 } }, (uint64_t)-ESPIPE },
		{ { "alarm", SYS_setitimer, { 0, 0, 0 } }, 0 },
	};
	uint32_t uc = boot();

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct probe_call call = { .op = PROBE_HOST_CALL, .nr = calls[i].call.nr };
		uint64_t result;

		memcpy(call.args, calls[i].call.args, sizeof call.args);
		result = ask(uc, &call).result;
		if (result != calls[i].result) {
			fprintf(stderr, "%s: %#lx\n", calls[i].call.name, result);
			exit(1);
		}
	}
	kill_uc(uc);
}

static void guest_calls_come_back(void)
{
	uint32_t uc = boot();

	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_GUEST_CALL, .nr = SYS_getpid }).result ==
	      PROBE_TRAPPED);
	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_GUEST_CALL, .nr = SYS_munmap }).result ==
	      PROBE_TRAPPED);
	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_GUEST_CALL, .nr = X32 | SYS_getpid }).result ==
	      PROBE_TRAPPED);
	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_FAULT }).result == SIGSEGV);
	kill_uc(uc);
}

/* The host kernel may answer these before the filter: with a signal or an error, and no more than that. */
static void probes_of_the_host_do_nothing(void)
{
	static const uint64_t calls[] = { SYS_uretprobe, SYS_uprobe };

	for (size_t i = 0; i < 2 * sizeof calls / sizeof calls[0]; i++) {
		struct probe_call call = { .op = i % 2 ? PROBE_HOST_CALL : PROBE_GUEST_CALL,
					   .nr = calls[i / 2],
					   .args = { ARENA } };
		uint32_t uc = boot();
		struct probe_result r;

		if (client_probe(&client, tender, uc, &call, &r) == PROBE_ENDED) {
			CHECK(call.op == PROBE_HOST_CALL && WTERMSIG(client.last_exit.wait_status) == SIGSYS);
			continue;
		}
		CHECK(r.result == SIGILL || r.result == (uint64_t)-ENXIO || r.result == PROBE_TRAPPED);
		CHECK(count(uc) == 1);
		kill_uc(uc);
	}
}

/* gettimeofday, time and getcpu of old programs, which the host kernel emulates, or not. */
static void vsyscalls_come_back(void)
{
	uint32_t uc = boot();

	for (uint64_t at = 0; at < 3 * 1024; at += 1024) {
		struct probe_call call = { .op = PROBE_VSYSCALL, .args = { VSYSCALL_PAGE + at } };
		uint64_t result = ask(uc, &call).result;

		CHECK(result == PROBE_TRAPPED || result == SIGSEGV);
	}
	kill_uc(uc);
}

static void the_32_bit_gate_kills(void)
{
	uint32_t uc = boot();
	struct probe_result r;

	CHECK(client_probe(&client, tender, uc, &(struct probe_call){ .op = PROBE_INT80, .nr = 20 }, &r) ==
	      PROBE_ENDED);
	CHECK(WTERMSIG(client.last_exit.wait_status) == SIGSYS);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: filter_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(allowed_calls_work);
	RUN(forbidden_calls_kill);
	RUN(guest_calls_come_back);
	RUN(probes_of_the_host_do_nothing);
	RUN(vsyscalls_come_back);
	RUN(the_32_bit_gate_kills);
	client_stop(&client);
	return 0;
}
