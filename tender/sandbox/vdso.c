#include "sandbox/vdso.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "abi/layout.h"
#include "base/base.h"

/* The vDSO and its data: three mappings so far. */
#define PARTS_MAX 8

struct part {
	uint64_t start, bytes;
};

/* [vvar], [vvar_vclock], [vdso]: neighbours whose distances are compiled into the code. */
static int find_parts(struct part parts[PARTS_MAX])
{
	char *text, *line, *rest;
	int count = 0;

	if (read_text_at(AT_FDCWD, "/proc/self/maps", &text) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t start, end;

		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (count < PARTS_MAX && sscanf(line, "%lx-%lx", &start, &end) == 2)
			parts[count++] = (struct part){ start, end - start };
	}
	free(text);
	if (count &&
	    parts[count - 1].start + parts[count - 1].bytes - parts[0].start > UC_VDSO_END - UC_VDSO_BASE)
		return 0;
	return count;
}

int vdso_move(void)
{
	struct part parts[PARTS_MAX];
	int count = find_parts(parts);

	for (int i = 0; i < count; i++) {
		void *to = (void *)(UC_VDSO_BASE + (parts[i].start - parts[0].start));
		void *from = (void *)parts[i].start;

		if (mremap(from, parts[i].bytes, parts[i].bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
			return -errno;
	}
	return 0;
}

/* The dynamic section's addresses are offsets from the load address. */
static uint64_t find_symbol(uint64_t base, const char *name)
{
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const Elf64_Dyn *dynamic = NULL;
	const uint32_t *hash = NULL;
	const char *strings = NULL;

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + ph[i].p_vaddr);
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		const void *p = (const void *)(base + dynamic->d_un.d_ptr);

		if (dynamic->d_tag == DT_SYMTAB)
			symbols = p;
		else if (dynamic->d_tag == DT_STRTAB)
			strings = p;
		else if (dynamic->d_tag == DT_HASH)
			hash = p;
	}
	if (!symbols || !strings || !hash)
		return 0;
	for (uint32_t i = 0; i < hash[1]; i++)
		if (symbols[i].st_shndx != SHN_UNDEF && !strcmp(strings + symbols[i].st_name, name))
			return symbols[i].st_value;
	return 0;
}

uint64_t vdso_clock_gettime_moved(void)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR);
	struct part parts[PARTS_MAX];
	uint64_t symbol;

	if (!base || !find_parts(parts))
		return 0;
	symbol = find_symbol(base, "__vdso_clock_gettime");
	return symbol ? UC_VDSO_BASE + (base - parts[0].start) + symbol : 0;
}
