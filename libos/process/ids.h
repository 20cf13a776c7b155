/* process/ids.c: who the guest is. */
#ifndef LIBOS_IDS_H
#define LIBOS_IDS_H

#include "thread/thread.h"

/* The guest runs as an ordinary user: programs that treat root specially do not. */
#define UC_UID 1000u
#define UC_GID 1000u

/*
 * The process id that the guest sees: uc_identity.pid, another one in each clone.
 *
 * Thread ids do not change at a deploy, the main thread's neither: glibc caches them in the TCB and
 * in the owner fields of mutexes. So in a clone the main thread's id is not the process id, and
 * wherever Linux takes either, both are accepted.
 */
int process_id(void);
/* Whether id names the process: its present id, or the main thread's. */
bool is_process_id(int id);
/* The thread of that id; the main thread for the process id; NULL if there is none. */
struct thread *thread_by_id(int id);
/* As thread_by_id, 0 being the current thread. */
struct thread *thread_by_id_or_self(int id);
bool is_main_thread(const struct thread *t);

#endif
