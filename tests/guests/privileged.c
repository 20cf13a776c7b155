/* What needs a privilege is refused as Linux refuses an ordinary user, not as a call that nobody knows. */
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

int main(void)
{
	if (getuid() == 0 && setuid(65534) < 0)
		return 2;
	CHECK("mount", FAILS(mount("none", "/", "tmpfs", 0, NULL), EPERM));
	CHECK("umount2", FAILS(umount2("/", 0), EPERM));
	CHECK("chroot", FAILS(chroot("/"), EPERM));
	CHECK("pivot_root", FAILS(syscall(SYS_pivot_root, "/", "/"), EPERM));
	return check_result();
}
