/* The auxiliary vector, arguments and environment as a program finds them. */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "require.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

extern char **environ;

static void program_headers(void)
{
	const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
	int loads = 0;

	REQUIRE(headers && getauxval(AT_PHENT) == sizeof *headers);
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += headers[i].p_type == PT_LOAD;
	REQUIRE(loads > 0 && getauxval(AT_ENTRY));
}

static void constants(void)
{
	REQUIRE(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == (unsigned long)sysconf(_SC_CLK_TCK));
	REQUIRE(!strcmp((const char *)getauxval(AT_PLATFORM), "x86_64"));
	REQUIRE(getauxval(AT_SECURE) == 0 && getauxval(AT_FLAGS) == 0 && getauxval(AT_HWCAP));
	REQUIRE(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
	REQUIRE(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
	REQUIRE(getauxval(AT_MINSIGSTKSZ) >= 1024 && getauxval(AT_MINSIGSTKSZ) < 65536);
}

static void random_bytes(void)
{
	const unsigned char *p = (const void *)getauxval(AT_RANDOM);
	int sum = 0;

	REQUIRE(p);
	for (int i = 0; i < 16; i++)
		sum += p[i];
	REQUIRE(sum > 0);
}

static void strings(int argc, char **argv)
{
	REQUIRE(argc >= 1 && argv[argc] == NULL && argv + argc + 1 == environ);
	REQUIRE((unsigned long)argv % 16 == 8); /* %rsp was at argc */
	REQUIRE(strstr((const char *)getauxval(AT_EXECFN), "auxv"));
	/* The strings follow each other in order. */
	for (int i = 0; i + 1 < argc; i++)
		REQUIRE(argv[i] + strlen(argv[i]) + 1 == argv[i + 1]);
}

static void vdso(void)
{
	const Elf64_Ehdr *header = (const void *)getauxval(AT_SYSINFO_EHDR);

	REQUIRE(header && !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_type == ET_DYN);
}

int main(int argc, char **argv)
{
	GROUP("arguments and environment", strings(argc, argv));
	GROUP("program headers", program_headers());
	GROUP("constants", constants());
	GROUP("AT_RANDOM", random_bytes());
	GROUP("AT_SYSINFO_EHDR", vdso());
	return check_result();
}
