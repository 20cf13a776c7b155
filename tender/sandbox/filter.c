/*
 * Where a system call comes from decides what becomes of it:
 *
 *   library OS host calls   the allow list below; anything else kills the process
 *   the zygote's text       allowed: it lies between 1 TiB and 2^47
 *   anywhere else           SIGSYS: a system call of the guest, for the library OS
 *
 * Why the middle line gives a guest nothing: an embryo unmaps all of 1 TiB..2^47 before it receives its first
 * message, and no call that the list lets pass can put a mapping there again. mmap and mremap take only fixed
 * addresses and lengths below 512 GiB, so that a mapping ends below 1 TiB; there is no brk, no stack that
 * grows and no execve. The vDSO has been moved below 512 GiB by the zygote, so its system call instructions
 * trap as the guest's do. The vsyscall page lies above 2^47: its emulated calls trap too. A 32-bit call (int
 * 0x80, sysenter, a far jump to compatibility mode) has another architecture and kills. A call of the x32 ABI
 * has another number, and is on no list.
 *
 * Two calls reach no filter: Linux 6.11 and newer passes 335 (uretprobe), 6.18 and newer 336 (uprobe) by all
 * of them. Both serve probes that an administrator has set, and look where they come from first: from
 * anywhere but the kernel's own page for such a probe the first is answered by SIGILL, the second by ENXIO,
 * and nothing else happens. That page is mapped above 1 TiB, and is not the zygote's text.
 *
 * Where the call comes from is no proof of who made it: a guest can jump to the library
 * OS's host call with any registers. So the list must be safe for hostile callers.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define GUEST_HIGH_END (uint32_t)(UC_GUEST_END >> 32)

#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_REQUIRED (MAP_PRIVATE | MAP_FIXED)
#define MAP_KNOWN (MAP_REQUIRED | MAP_ANONYMOUS | MAP_NORESERVE)
#define RECV_FLAGS_KNOWN (MSG_DONTWAIT | MSG_CMSG_CLOEXEC)

#define FIELD(f) offsetof(struct seccomp_data, f)
#define LOW(i) (FIELD(args) + 8 * (i))
#define HIGH(i) (FIELD(args) + 8 * (i) + 4)

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define IF_EQ(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), yes, no)
#define IF_GE(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(k), yes, no)
#define IF_GT(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(k), yes, no)
#define IF_SET(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(k), yes, no)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define KILL RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)

/* A check skips the KILL that follows it when it holds: a rule reads as what must be true. */
#define NEED_LOW_EQ(i, k) LOAD(LOW(i)), IF_EQ(k, 1, 0), KILL
#define NEED_LOW_OTHER(i, k) LOAD(LOW(i)), IF_EQ(k, 0, 1), KILL
#define NEED_LOW_GE(i, k) LOAD(LOW(i)), IF_GE(k, 1, 0), KILL
#define NEED_LOW_LE(i, k) LOAD(LOW(i)), IF_GT(k, 0, 1), KILL
#define NEED_LOW_WITHIN(i, mask) LOAD(LOW(i)), IF_SET(~(uint32_t)(mask), 0, 1), KILL
#define NEED_LOW_WITH(i, bits) \
	LOAD(LOW(i)), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(bits)), IF_EQ(bits, 1, 0), KILL
#define NEED_HIGH_ZERO(i) LOAD(HIGH(i)), IF_EQ(0, 1, 0), KILL
#define NEED_BELOW_GUEST_END(i) LOAD(HIGH(i)), IF_GE(GUEST_HIGH_END, 0, 1), KILL
/* Argument i is a, b or c, or it is d or e and the length, argument 1, is at most max. */
#define NEED_LOW_3_OR_SHORT_2(i, a, b, c, d, e, max)                                                    \
	LOAD(LOW(i)), IF_EQ(a, 11, 0), IF_EQ(b, 10, 0), IF_EQ(c, 9, 0), IF_EQ(d, 2, 0), IF_EQ(e, 1, 0), \
		KILL, NEED_HIGH_ZERO(1), NEED_LOW_LE(1, max)

/* Each rule is entered and, if the call is another one, left with the call number loaded. */
#define RULE(call, ...) \
	IF_EQ(call, 0, ARRAY_SIZE(((struct sock_filter[]){ __VA_ARGS__ })) + 1), __VA_ARGS__, ALLOW
#define RULE_ANY(call) IF_EQ(call, 0, 1), ALLOW

static int load_filter(struct sock_fprog *program)
{
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, program);

	return r < 0 ? -errno : 0;
}

/* Of the zygote's program, which is one static file: the linker's names. */
extern const char __executable_start[], etext[];

int filter_install(uint64_t hostcall_start, uint64_t hostcall_end)
{
	uint64_t text_start = (uint64_t)__executable_start, text_end = (uint64_t)etext;
	/* Where it lies across a border of 4 GiB, the halves are not compared. */
	bool apart = text_start >> 32 != text_end >> 32;
	struct sock_filter code[] = {
		LOAD(FIELD(arch)),
		IF_EQ(AUDIT_ARCH_X86_64, 1, 0),
		KILL,
		LOAD(FIELD(instruction_pointer) + 4),
		IF_EQ(0, 7, 0),
		IF_GE(text_start >> 32, 0, 5),
		IF_GT(text_end >> 32, 4, 0),
		LOAD(FIELD(instruction_pointer)),
		IF_GE(apart ? 0 : (uint32_t)text_start, 0, 2),
		IF_GT(apart ? ~0u : (uint32_t)text_end, 1, 0),
		ALLOW,
		RETURN(SECCOMP_RET_TRAP),
		/* The pointer is that of the next instruction, hence the end is inclusive. */
		LOAD(FIELD(instruction_pointer)),
		IF_GT(hostcall_start, 0, 1),
		IF_GT(hostcall_end, 0, 1),
		RETURN(SECCOMP_RET_TRAP),
		LOAD(FIELD(nr)),

		/* The link: packets to and from the tender. */
		RULE(SYS_recvmsg, NEED_LOW_EQ(0, UC_LINK_FD), NEED_LOW_WITHIN(2, RECV_FLAGS_KNOWN)),
		RULE(SYS_writev, NEED_LOW_EQ(0, UC_LINK_FD)),
		RULE(SYS_ppoll, NEED_LOW_EQ(1, 1), NEED_HIGH_ZERO(1)),

		/* Control flow and time. */
		RULE_ANY(SYS_rt_sigreturn),
		/* What its processor time is, a process that has been reset must not tell. */
		RULE(SYS_clock_gettime, NEED_LOW_LE(0, CLOCK_TAI),
		     NEED_LOW_OTHER(0, CLOCK_PROCESS_CPUTIME_ID), NEED_LOW_OTHER(0, CLOCK_THREAD_CPUTIME_ID)),
		RULE(SYS_setitimer, NEED_LOW_EQ(0, ITIMER_REAL)),

		/* Memory: private, below 512 GiB, at the address given. */
		RULE(SYS_mmap, NEED_BELOW_GUEST_END(0), NEED_BELOW_GUEST_END(1),
		     NEED_LOW_WITHIN(2, PROT_KNOWN), NEED_HIGH_ZERO(2), NEED_LOW_WITHIN(3, MAP_KNOWN),
		     NEED_HIGH_ZERO(3), NEED_LOW_WITH(3, MAP_REQUIRED)),
		RULE_ANY(SYS_munmap),
		RULE(SYS_mprotect, NEED_BELOW_GUEST_END(0), NEED_BELOW_GUEST_END(1),
		     NEED_LOW_WITHIN(2, PROT_KNOWN), NEED_HIGH_ZERO(2)),
		RULE(SYS_mremap, NEED_BELOW_GUEST_END(0), NEED_BELOW_GUEST_END(1), NEED_BELOW_GUEST_END(2),
		     NEED_LOW_EQ(3, MREMAP_MAYMOVE | MREMAP_FIXED), NEED_HIGH_ZERO(3),
		     NEED_BELOW_GUEST_END(4)),
		RULE(SYS_madvise,
		     NEED_LOW_3_OR_SHORT_2(2, MADV_DONTNEED, MADV_SEQUENTIAL, MADV_NORMAL, MADV_POPULATE_READ,
					   MADV_POPULATE_WRITE, UC_POPULATE_MAX)),

		/* Files: those that the tender has handed over, read-only. */
		RULE_ANY(SYS_pread64),
		RULE(SYS_close, NEED_LOW_GE(0, UC_IMAGE_FD)),

		RULE_ANY(SYS_exit_group),
		KILL,
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return load_filter(&program);
}
