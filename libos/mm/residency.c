/*
 * mincore(2), msync(2), mlock(2) and kin: memory of a UC is resident and written back as far as the guest can
 * tell.
 */
#include <asm/errno.h>
#include <linux/mman.h>

#include "lib/string.h"
#include "sys/calls.h"
#include "vma.h"

#define MCL_ALL (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)

static long check_mapped(u64 addr, u64 bytes)
{
	if (!bytes)
		return 0;
	bytes = mm_page_bytes(bytes);
	if (!bytes || !mm_guest_range(addr, bytes))
		return -ENOMEM;
	return mm_mapped_until(addr, addr + bytes) == addr + bytes ? 0 : -ENOMEM;
}

long sys_mincore(const u64 a[6])
{
	u64 addr = a[0], pages = PAGE_UP(a[1]) / PAGE_SIZE;
	u8 resident[256];
	long ret;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	ret = check_mapped(addr, a[1]);
	if (ret)
		return ret;
	memset(resident, 1, sizeof resident);
	for (u64 done = 0, n; done < pages; done += n) {
		n = MIN(pages - done, sizeof resident);
		if (copy_to_user(a[2] + done, resident, n))
			return -EFAULT;
	}
	return 0;
}

long sys_msync(const u64 a[6])
{
	int flags = (int)a[2];

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (a[0] & ~PAGE_MASK) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	return check_mapped(a[0], a[1]);
}

/* mlock rounds its range outwards; the other calls insist on a page boundary. */
static long lock_range(u64 addr, u64 bytes)
{
	u64 skew = addr & ~PAGE_MASK;

	if (bytes + skew < bytes)
		return -EINVAL;
	return bytes ? check_mapped(addr - skew, bytes + skew) : 0;
}

long sys_mlock(const u64 a[6])
{
	return lock_range(a[0], a[1]);
}

long sys_mlock2(const u64 a[6])
{
	return a[2] & ~(u64)MLOCK_ONFAULT ? -EINVAL : lock_range(a[0], a[1]);
}

long sys_munlock(const u64 a[6])
{
	return lock_range(a[0], a[1]);
}

long sys_mlockall(const u64 a[6])
{
	int flags = (int)a[0];

	return !flags || (flags & ~MCL_ALL) || flags == MCL_ONFAULT ? -EINVAL : 0;
}

long sys_munlockall(const u64 a[6])
{
	(void)a;
	return 0;
}

long sys_remap_file_pages(const u64 a[6])
{
	(void)a;
	return -ENOSYS;
}
