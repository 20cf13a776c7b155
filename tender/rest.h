/* A UC at rest: it sleeps. */
#ifndef TENDER_REST_H
#define TENDER_REST_H

#include <stdint.h>
#include <sys/types.h>

/* Waits for a process that is on its way to rest, at most limit_ns. */
void rest_await(pid_t pid, uint64_t limit_ns);

#endif
