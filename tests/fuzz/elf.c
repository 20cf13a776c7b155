/* Programs that a guest has the library OS load. */
#define main test_main
#include "../libos/elf_test.c"
#undef main

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct elf_image image;
	int ret;

	bytes = (u8 *)data;
	byte_count = size;
	inode = (struct inode){ .mode = S_IFREG | 0755, .size = size };
	ret = load(&image);
	CHECK(ret == 0 || ret == -ENOEXEC || ret == -ENOMEM);
	elf_image_close(&image);
	CHECK(!files_open);
	return 0;
}

u8 *fuzz_seed(unsigned number, size_t *size)
{
	if (number > 1)
		return NULL;
	bytes = calloc(4, PAGE_SIZE);
	make(number ? ET_EXEC : ET_DYN, number ? 0x400000 : 0);
	*size = byte_count;
	return bytes;
}
