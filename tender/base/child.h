/* Ends of processes that the tender has made. None is waited for without a limit. */
#ifndef TENDER_CHILD_H
#define TENDER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* To be called before the first wait. */
void child_init(void);
/* Sleeps until something has happened to a child, ns at most; it may be an older piece of news. */
void child_await_news(uint64_t ns);
/* Whether it has ended, which is seen once; status and usage are those of wait4(2). */
bool child_has_ended(pid_t pid, int *status, struct rusage *usage);
/* The same, waiting for ns at most. */
bool child_await_end(pid_t pid, uint64_t ns, int *status, struct rusage *usage);

#endif
