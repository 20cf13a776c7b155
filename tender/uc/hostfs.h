/* The host root of `seuss run`: files served read-only over the link (LINK_FS_CALL). */
#ifndef TENDER_HOSTFS_H
#define TENDER_HOSTFS_H

#include <stdbool.h>
#include <stddef.h>

struct hostfs;
struct tender;
struct uc;
struct link_frame;

/*
 * text: NUL-ended pairs "GUESTDIR\0HOSTDIR\0" of bytes in all (abi/control.h).
 * NULL and *error (positive) when a directory cannot be opened.
 */
struct hostfs *hostfs_new(const char *text, size_t bytes, int *error);
/* NULL is allowed. */
void hostfs_free(struct hostfs *fs);

/* Answers one call; false if it is no valid call. */
bool hostfs_call(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload);

#endif
