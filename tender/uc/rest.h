/* A UC at rest: it sleeps. */
#ifndef TENDER_REST_H
#define TENDER_REST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct uc;
struct tender;
struct snapshot;

/*
 * Both within an operation. Lets a process go on, for limit_ns at most, until it has not run for a moment: it
 * rests, or others have the core.
 */
void rest_let_run(pid_t pid, uint64_t limit_ns);
/*
 * Waits for a process that is on its way to rest, at most limit_ns; whether it sleeps then. False if
 * cancelled.
 */
bool rest_await(pid_t pid, uint64_t limit_ns);
/* Neither side of its link has sent what the other has not taken. */
bool rest_link_is_quiet(const struct uc *uc);
/*
 * With these registers it waits for a message, and for nothing else: there is no time limit, which would run
 * out unseen.
 */
bool rest_awaits_message(const struct tender *t, const struct user_regs_struct *r);
/* It has the images of the snapshot, and no others. */
bool rest_has_images_of(const struct uc *uc, const struct snapshot *s);

#endif
