/* Calls that Linux refuses an ordinary user, or a kernel without the feature. */
#include "calls.h"

long sys_mount(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_umount2(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_chroot(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_pivot_root(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_quotactl(const u64 a[6])
{
	(void)a;
	return -ENOSYS;
}

long sys_name_to_handle_at(const u64 a[6])
{
	(void)a;
	return -EOPNOTSUPP;
}

long sys_open_by_handle_at(const u64 a[6])
{
	(void)a;
	return -EPERM;
}
