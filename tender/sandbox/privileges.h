/* What the host lets the tender do, and giving all of it up. */
#ifndef TENDER_PRIVILEGES_H
#define TENDER_PRIVILEGES_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct privileges {
	bool mount;       /* may make a mount namespace and pivot into an empty root */
	bool change_user; /* may give the UCs a user of their own and still trace, limit and kill them */
	bool any_limits;  /* may set limits of processes of other users as they are */
};

/* `user` is what UCs would be given. */
void privileges_probe(struct privileges *p, unsigned user);

/*
 * Leaves the calling process in an empty read-only root, as user and group `user`, with no
 * capability and no way to get one: as far as p allows. Ends the process on failure.
 */
void privileges_drop(const struct privileges *p, unsigned user);

/* User that UCs run as after privileges_drop. */
unsigned privileges_user(const struct privileges *p, unsigned user);

/* prlimit(2) for a process that has gone through privileges_drop. Returns 0 or a negative errno. */
int privileges_limit(const struct privileges *p, unsigned user, pid_t pid, int resource,
		     const struct rlimit *limit);

#endif
