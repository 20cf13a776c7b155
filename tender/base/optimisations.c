#include "base/optimisations.h"

#include <string.h>

#include "base/base.h"

static const struct {
	const char *name;
	enum optimisation optimisation;
} known[] = {
	{ "templates", OPTIMISATION_TEMPLATES },
	{ "working-set", OPTIMISATION_WORKING_SET },
	{ "unchanged", OPTIMISATION_UNCHANGED },
};

static uint32_t find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == length && !memcmp(known[i].name, name, length))
			return known[i].optimisation;
	return 0;
}

bool optimisations_parse(const char *list, uint32_t *set)
{
	for (;;) {
		size_t length = strcspn(list, ",");
		uint32_t found = find(list, length);

		if (!found)
			return false;
		*set |= found;
		if (!list[length])
			return true;
		list += length + 1;
	}
}
