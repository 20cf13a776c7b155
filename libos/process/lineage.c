/* Process ids along a lineage of snapshots. */
#include "lineage.h"
#include "random.h"

/* Deeper lineages forget the oldest. */
#define PIDS_MAX 64
/* Ids that the host never proposes, up to Linux's limit. */
#define SPARE_FIRST 4000100u
#define SPARE_COUNT 194000u

static u32 pids[PIDS_MAX]; /* of earlier lives */
static u32 noted;          /* how many lives there were */

static bool was_used(u32 pid)
{
	for (u32 i = 0; i < MIN(noted, PIDS_MAX); i++)
		if (pids[i] == pid)
			return true;
	return false;
}

u32 lineage_new_pid(u32 before, u32 proposed)
{
	u32 pid = proposed, draw;

	pids[noted++ % PIDS_MAX] = before;
	while (was_used(pid)) {
		random_bytes(&draw, sizeof draw);
		pid = SPARE_FIRST + draw % SPARE_COUNT;
	}
	return pid;
}
