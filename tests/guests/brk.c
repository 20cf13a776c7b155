/* brk(2). */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "require.h"

static char *set_brk(char *addr)
{
	return (char *)syscall(SYS_brk, addr);
}

static void grow_and_shrink(void)
{
	char *start = set_brk(NULL), *heap;

	REQUIRE(start != NULL && set_brk((char *)1) == start);
	heap = (char *)(((uintptr_t)start + 4095) & ~4095ul);
	REQUIRE(set_brk(heap + 300000) == heap + 300000);
	for (int i = 0; i < 300000; i++)
		REQUIRE(heap[i] == 0);
	memset(heap, 1, 300000);
	REQUIRE(set_brk(heap + 100) == heap + 100);
	REQUIRE(set_brk(heap + 8192) == heap + 8192);
	REQUIRE(heap[99] == 1 && heap[4096] == 0 && heap[8191] == 0);
	REQUIRE(set_brk((char *)~0ul) == heap + 8192);
	REQUIRE(set_brk(start) == start);
}

int main(void)
{
	/* No stdio buffer may come out of the heap while it is moved about. */
	static char buffer[4096];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	GROUP("the heap grows and shrinks", grow_and_shrink());
	return check_result();
}
