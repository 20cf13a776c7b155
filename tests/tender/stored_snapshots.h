/* Snapshots in the files of a folder of their own. The tender that is spoken with is 0 (probed_uc.h). */
#ifndef TESTS_TENDER_STORED_SNAPSHOTS_H
#define TESTS_TENDER_STORED_SNAPSHOTS_H

#include "../../abi/layout.h"
#include "probed_uc.h"

#define ROOM_PAGES 64ul
#define PATH_BYTES 256

extern uint32_t next_uc;
extern uint64_t next_stored;

/* Makes the folder, and starts tenders. */
void stored_start(const char *tender_path, const char *libos_path);
/* Ends them, and removes it. */
void stored_stop(void);
/* Of a reply: 0, or its errno. */
int error_and_free(struct message *m);
void drop_stored(uint64_t snapshot);
/* Of a file in the folder that the snapshots are stored in; PATH_BYTES. */
void path_of(char *path, const char *name);
/* Of tender 0: 0 or the errno of the reply. */
int store(uint64_t snapshot, const char *name, struct control_stored *out);
/* Of tender 1, likewise. */
int load(uint64_t snapshot, uint64_t parent, const char *name, struct control_captured *out);
uint32_t deploy_stored(uint64_t from);
/* Has counted once, and a word on each of the even pages of ROOM, which has so many. */
uint64_t root_snapshot_with(uint64_t pages);
uint64_t root_snapshot(void);
/* Counts once more, writes to odd pages, maps executable memory. */
uint64_t child_snapshot(uint64_t parent);
void check_stored(int i, uint64_t snapshot);

#endif
