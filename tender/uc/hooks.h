/* What others want to hear of UCs. Set before the first UC is made. */
#ifndef TENDER_UC_HOOKS_H
#define TENDER_UC_HOOKS_H

#include <stdbool.h>

struct tender;
struct uc;

struct uc_hooks {
	/* Its driver has sent a part of an answer; whole: that was the last. */
	void (*answered)(struct tender *t, struct uc *uc, bool whole);
	/* It is about to lose its number, or its process: what was to be done with it is off. */
	void (*ended)(struct tender *t, struct uc *uc);
	/* It has ended before it got a number. */
	void (*embryo_lost)(struct tender *t, struct uc *uc);
};

#endif
