/* Units that are tested without a tender are never interrupted. */
#include "../../tender/operation.h"

int operation_pause_if_due(void)
{
	return 0;
}
