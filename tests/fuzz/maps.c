/* The memory map of a process as text: its names are the guest's choice in part. */
#include "../../tender/base/base.h"
#include "../../tender/process/maps.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct vma_list list = { 0 };

	memcpy(text, data, size);
	text[size] = '\0';
	if (!maps_parse(text, &list) && list.count)
		vma_list_find(&list, list.items[0].start);
	vma_list_free(&list);
	free(text);
	return 0;
}

uint8_t *fuzz_seed(unsigned number, size_t *size)
{
	static const char *const seeds[] = {
		"00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/program\n"
		"00e03000-00e24000 rw-p 00000000 00:00 0 [heap]\n",
		"1d000000-1d004000 r--p 00000000 00:00 0 [vvar]\n"
		"1d004000-1d006000 r-xp 00000000 00:00 0 [vdso]\n"
		"20000000-20010000 rw-s 00001000 00:01 9 /memfd:seuss-layer (deleted)\n",
		"7ffffffde000-7ffffffff000 ---p 00000000 00:00 0",
	};

	if (number >= sizeof seeds / sizeof seeds[0])
		return NULL;
	*size = strlen(seeds[number]);
	return (uint8_t *)strdup(seeds[number]);
}
