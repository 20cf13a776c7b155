/*
 * Calls that a UC never grants, with the errno that a locked-down Linux gives: EPERM where a
 * privilege is missing, ENOSYS where programs probe for the feature and fall back. A call that is in
 * no table at all is answered ENOSYS too, but counted as unknown.
 */
#include <asm/errno.h>

#include "calls.h"

#define REFUSE(name, error)             \
	long sys_##name(const u64 a[6]) \
	{                               \
		(void)a;                \
		return -(error);        \
	}

/* Other processes, and this one from outside. */
REFUSE(ptrace, EPERM)
REFUSE(process_vm_readv, EPERM)
REFUSE(process_vm_writev, EPERM)
REFUSE(process_madvise, EPERM)
REFUSE(process_mrelease, EPERM)
REFUSE(kcmp, EPERM)
REFUSE(pidfd_open, ENOSYS)
REFUSE(pidfd_getfd, ENOSYS)
REFUSE(pidfd_send_signal, ENOSYS)

/* Kernel facilities that programs probe for. */
REFUSE(io_uring_setup, ENOSYS)
REFUSE(io_uring_enter, ENOSYS)
REFUSE(io_uring_register, ENOSYS)
REFUSE(io_setup, ENOSYS)
REFUSE(io_destroy, ENOSYS)
REFUSE(io_submit, ENOSYS)
REFUSE(io_getevents, ENOSYS)
REFUSE(io_pgetevents, ENOSYS)
REFUSE(io_cancel, ENOSYS)
REFUSE(rseq, ENOSYS)
REFUSE(userfaultfd, ENOSYS)
REFUSE(restart_syscall, EINTR)
REFUSE(futex_waitv, ENOSYS)
REFUSE(seccomp, ENOSYS)
REFUSE(landlock_create_ruleset, ENOSYS)
REFUSE(landlock_add_rule, ENOSYS)
REFUSE(landlock_restrict_self, ENOSYS)
REFUSE(modify_ldt, ENOSYS)
REFUSE(get_mempolicy, ENOSYS)
REFUSE(set_mempolicy, ENOSYS)
REFUSE(mbind, ENOSYS)
REFUSE(migrate_pages, ENOSYS)
REFUSE(move_pages, ENOSYS)
REFUSE(mq_open, ENOSYS)
REFUSE(shmget, ENOSYS)
REFUSE(shmat, ENOSYS)
REFUSE(shmctl, ENOSYS)
REFUSE(shmdt, ENOSYS)
REFUSE(semget, ENOSYS)
REFUSE(semop, ENOSYS)
REFUSE(semtimedop, ENOSYS)
REFUSE(semctl, ENOSYS)
REFUSE(msgget, ENOSYS)
REFUSE(msgsnd, ENOSYS)
REFUSE(msgrcv, ENOSYS)
REFUSE(msgctl, ENOSYS)
REFUSE(add_key, ENOSYS)
REFUSE(request_key, ENOSYS)
REFUSE(keyctl, ENOSYS)

/* Privileges. */
REFUSE(bpf, EPERM)
REFUSE(perf_event_open, EPERM)
REFUSE(syslog, EPERM)
REFUSE(sethostname, EPERM)
REFUSE(setdomainname, EPERM)
REFUSE(setns, EPERM)
REFUSE(unshare, EPERM)
REFUSE(move_mount, EPERM)
REFUSE(open_tree, EPERM)
REFUSE(fsopen, EPERM)
REFUSE(fsmount, EPERM)
REFUSE(fspick, EPERM)
REFUSE(fsconfig, EPERM)
REFUSE(mount_setattr, EPERM)
REFUSE(swapon, EPERM)
REFUSE(swapoff, EPERM)
REFUSE(reboot, EPERM)
REFUSE(kexec_load, EPERM)
REFUSE(kexec_file_load, EPERM)
REFUSE(init_module, EPERM)
REFUSE(finit_module, EPERM)
REFUSE(delete_module, EPERM)
REFUSE(iopl, EPERM)
REFUSE(ioperm, EPERM)
REFUSE(acct, EPERM)
REFUSE(vhangup, EPERM)
REFUSE(lookup_dcookie, EPERM)
REFUSE(fanotify_init, EPERM)

/* File systems and the root of the tree. */
REFUSE(chroot, EPERM)
REFUSE(pivot_root, EPERM)
REFUSE(mount, EPERM)
REFUSE(umount2, EPERM)
REFUSE(quotactl, EPERM)
REFUSE(open_by_handle_at, EPERM)
REFUSE(name_to_handle_at, EOPNOTSUPP)
