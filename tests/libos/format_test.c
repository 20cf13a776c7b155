/* lib/format.c against the host's printf. */
#include "shim.h"
#include <limits.h>

#define snprintf libos_snprintf
#define vsnprintf libos_vsnprintf
#include "../../libos/lib/format.c"
#undef snprintf
#undef vsnprintf

int snprintf(char *buf, size_t size, const char *fmt, ...) printf_fn(3, 4);

#define SAME(...)                                                                                       \
	do {                                                                                            \
		char ours[128], theirs[128];                                                            \
		int n = libos_snprintf(ours, sizeof ours, __VA_ARGS__);                                 \
		int m = snprintf(theirs, sizeof theirs, __VA_ARGS__);                                   \
		if (n != m || strcmp(ours, theirs)) {                                                   \
			fprintf(stderr, "line %d: \"%s\" instead of \"%s\"\n", __LINE__, ours, theirs); \
			abort();                                                                        \
		}                                                                                       \
	} while (0)

static void check_integers(void)
{
	SAME("%d %d %d", 0, INT_MIN, INT_MAX);
	SAME("%ld %lld %zu", LONG_MIN, LLONG_MAX, (size_t)-1);
	SAME("%hd %hhd %hu %hhu", (short)-7, (signed char)-8, (unsigned short)65535, (unsigned char)255);
	SAME("%u %x %lx %o", 4000000000u, 0xdeadbeefu, 0x123456789abcdefl, 0755u);
	SAME("[%5d] [%-5d] [%05d] [%.3d] [%8.3d] [%-8.3d]", -42, -42, -42, 7, 7, 7);
	SAME("[%08lx] [%16x] [%-16x] [%#x] [%#lx] [%#x]", 0xabcul, 0xabcu, 0xabcu, 0xabcu, 0xabcul, 0u);
	SAME("[%*d] [%*d] [%#010x]", 6, 1, -6, 1, 0xffu);
	SAME("%p", (void *)0x7fff1234);
}

static void check_text(void)
{
	SAME("%s|%10s|%-10s|%.2s|%8.3s", "abc", "abc", "abc", "abc", "abcdef");
	SAME("%.*s|%.*s", 2, "abc", -1, "abc");
	SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("100%% of %s", "it");
	SAME("%s", "");
}

static void check_truncation(void)
{
	char buf[8] = "xxxxxxx";

	CHECK(libos_snprintf(buf, 4, "%d", 123456) == 6 && !strcmp(buf, "123") && buf[4] == 'x');
	CHECK(libos_snprintf(buf, 1, "abc") == 3 && buf[0] == '\0');
	CHECK(libos_snprintf(NULL, 0, "%s", "abc") == 3);
}

int main(void)
{
	check_integers();
	check_text();
	check_truncation();
	puts("ok format");
	return 0;
}
