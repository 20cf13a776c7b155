/* What a system call returns besides what Linux returns: codes that the guest never sees. */
#ifndef LIBOS_SYSCALL_H
#define LIBOS_SYSCALL_H

/* The call is made again if a handler with SA_RESTART (or none) runs, else EINTR. */
#define ERESTARTSYS 512
/* As above, but EINTR after any handler (poll, epoll_wait, nanosleep family, sigsuspend). */
#define ERESTARTNOHAND 514
/* sys_rt_sigreturn: the frame holds all registers already, rax is not set. */
#define ESYSRETURNED 600

#endif
