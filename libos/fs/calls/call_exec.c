/* execve(2): a UC is one program for life. What is wrong with the path comes first, as on Linux. */
#include "calls.h"

#define X_OK 1

static long refuse_exec(int dirfd, u64 path, u32 flags)
{
	u64 access[6] = { (u64)dirfd, path, X_OK, flags };
	long err = sys_faccessat2(access);

	return err ? err : -EACCES;
}

/* a: path, argv, envp. */
long sys_execve(const u64 a[6])
{
	return refuse_exec(AT_FDCWD, a[0], 0);
}

/* a: folder, path, argv, envp, flags. */
long sys_execveat(const u64 a[6])
{
	return refuse_exec((int)a[0], a[1], (u32)a[4]);
}
