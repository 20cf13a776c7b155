/*
 * Compact snapshots: kept as the words that differ from the parent, in one plan file. A deploy
 * carries them out in a process that has the memory of the parent.
 */
#ifndef TENDER_COMPACT_H
#define TENDER_COMPACT_H

#include <stdint.h>

struct tender;
struct control_frame;
struct snapshot;

/* Carries out CONTROL_COMPACT; the answer comes when every tender that knows the snapshot has it so. */
void compact_request(struct tender *t, const struct control_frame *frame, const char *payload);
/* Pages that the words of a compact snapshot change. */
uint32_t compact_changed_pages(const struct tender *t, const struct snapshot *s);

#endif
