/* What the host lets the tender do, and giving all of it up. */
#ifndef TENDER_PRIVILEGES_H
#define TENDER_PRIVILEGES_H

#include <stdbool.h>

struct privileges {
	bool mount;       /* may make a mount namespace and pivot into an empty root */
	bool change_user; /* may give the UCs a user of their own and still trace, limit and kill them */
};

void privileges_probe(struct privileges *p);

/*
 * Leaves the calling process in an empty read-only root, as user and group `user`, with no
 * capability and no way to get one: as far as p allows. Ends the process on failure.
 */
void privileges_drop(const struct privileges *p, unsigned user);

#endif
