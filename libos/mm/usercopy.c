/*
 * Copies between the library OS and guest memory: the range is checked here, faults are caught in
 * arch/usercopy.S.
 */
#include <asm/errno.h>

#include "vma.h"

/* arch/usercopy.S: 0 or -EFAULT; the last one the index of the NUL, bytes if there is none, or -EFAULT. */
int usercopy_copy(void *dst, const void *src, u64 bytes);
int usercopy_clear(void *dst, u64 bytes);
long usercopy_string(char *dst, const char *src, u64 bytes);

int copy_from_user(void *dst, u64 src, u64 bytes)
{
	if (!bytes)
		return 0;
	return mm_guest_range(src, bytes) ? usercopy_copy(dst, (const void *)src, bytes) : -EFAULT;
}

int copy_to_user(u64 dst, const void *src, u64 bytes)
{
	if (!bytes)
		return 0;
	return mm_guest_range(dst, bytes) ? usercopy_copy((void *)dst, src, bytes) : -EFAULT;
}

int clear_user(u64 dst, u64 bytes)
{
	if (!bytes)
		return 0;
	return mm_guest_range(dst, bytes) ? usercopy_clear((void *)dst, bytes) : -EFAULT;
}

long strncpy_from_user(char *dst, u64 src, u64 size)
{
	u64 end = mm_region_end(src), most;
	long len;

	if (!end)
		return -EFAULT;
	most = MIN(size, end - src);
	len = usercopy_string(dst, (const char *)src, most);
	if (len < 0 || (u64)len < most)
		return len;
	return most < size ? -EFAULT : -ENAMETOOLONG;
}
