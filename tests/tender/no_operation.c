/* Units that are tested without a tender are never interrupted. */
#include "../../tender/loop/operation.h"

int operation_pause_if_due(void)
{
	return 0;
}

int operation_sleep(uint64_t ns)
{
	(void)ns;
	return 0;
}

int operation_await_child(void)
{
	return 0;
}

uint64_t operation_used_ns(void)
{
	return 0;
}
