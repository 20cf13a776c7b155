/* What a template maps: plans carried out by the zygote's code, as the library OS does in a deploy. */
#ifndef TENDER_ZYGOTE_MAP_H
#define TENDER_ZYGOTE_MAP_H

#include "sandbox/template_job.h"

/* Carries out the plans, one after the other. 0 or -errno. */
int zygote_map(const struct template_sources *from);

#endif
