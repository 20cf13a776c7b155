/* What makes starts faster and snapshots smaller, and may be left out to measure it. */
#ifndef TENDER_OPTIMISATIONS_H
#define TENDER_OPTIMISATIONS_H

#include <stdbool.h>
#include <stdint.h>

enum optimisation {
	OPTIMISATION_TEMPLATES = 1,   /* processes that have a snapshot's maps already */
	OPTIMISATION_WORKING_SET = 2, /* their pages, fetched ahead */
	OPTIMISATION_UNCHANGED = 4,   /* written pages that are as before stay out of a layer */
};

/* Adds the names of a list like "templates,unchanged" to *set; false if one is unknown. */
bool optimisations_parse(const char *list, uint32_t *set);

#endif
