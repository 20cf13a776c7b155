/* File-system images: those of actions hold what their authors have packed. */
#define main test_main
#include "../libos/erofs_test.c"
#undef main

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct erofs_image img = { .base = data, .bytes = size };

	if (erofs_read_super(&img))
		return 0;
	CHECK(img.bytes <= size);
	explore(&img, img.root_nid, 2);
	explore(&img, size % 4096, 1);
	return 0;
}

u8 *fuzz_seed(unsigned number, size_t *size)
{
	*size = IMAGE_BYTES;
	return number ? NULL : build();
}
