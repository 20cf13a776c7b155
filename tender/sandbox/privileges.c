#include "sandbox/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

struct capabilities {
	struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
};

static void get_capabilities(struct capabilities *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	*caps = (struct capabilities){ 0 };
	if (syscall(SYS_capget, &header, caps->word) < 0)
		fatal(errno, "capget");
}

static bool has(const struct capabilities *caps, int cap)
{
	return caps->word[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

/* A user namespace that was made for one user has no other. */
static bool is_mapped(unsigned id, const char *map_path)
{
	unsigned first, outside, count;
	FILE *map = fopen(map_path, "re");
	bool found = false;

	if (!map)
		fatal(errno, "%s", map_path);
	while (!found && fscanf(map, "%u %u %u", &first, &outside, &count) == 3)
		found = id >= first && id - first < count;
	fclose(map);
	return found;
}

void privileges_probe(struct privileges *p, unsigned user)
{
	struct capabilities caps;

	get_capabilities(&caps);
	p->mount = has(&caps, CAP_SYS_ADMIN);
	p->change_user = has(&caps, CAP_SETUID) && has(&caps, CAP_SETGID) && has(&caps, CAP_SYS_PTRACE) &&
			 has(&caps, CAP_KILL) && is_mapped(user, "/proc/self/uid_map") &&
			 is_mapped(user, "/proc/self/gid_map");
	p->any_limits = has(&caps, CAP_SYS_RESOURCE);
}

/* Any directory can be the mount point: /proc is one that every host has. */
static void enter_empty_root(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		fatal(errno, "unshare the mounts");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fatal(errno, "make the mounts private");
	if (mount("seuss", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,nr_inodes=2,mode=555") < 0)
		fatal(errno, "mount an empty root");
	if (chdir("/proc") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		fatal(errno, "pivot_root to the empty root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fatal(errno, "leave the host's root");
}

static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			fatal(errno, "drop capability %d from the bounding set", cap);
}

static void clear_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct capabilities none = { 0 }, now;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		fatal(errno, "clear the ambient capabilities");
	if (syscall(SYS_capset, &header, none.word) < 0)
		fatal(errno, "capset");
	get_capabilities(&now);
	for (unsigned i = 0; i < ARRAY_SIZE(now.word); i++)
		if (now.word[i].effective | now.word[i].permitted | now.word[i].inheritable)
			fatal(0, "capabilities are left after capset");
}

static void change_user(unsigned user)
{
	if (setgroups(0, NULL) < 0)
		fatal(errno, "setgroups");
	if (setresgid(user, user, user) < 0)
		fatal(errno, "setresgid %u", user);
	if (setresuid(user, user, user) < 0)
		fatal(errno, "setresuid %u", user);
}

void privileges_drop(const struct privileges *p, unsigned user)
{
	if (p->mount)
		enter_empty_root();
	drop_bounding_set();
	if (p->change_user)
		change_user(user);
	clear_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fatal(errno, "no_new_privs");
}

unsigned privileges_user(const struct privileges *p, unsigned user)
{
	return p->change_user ? user : geteuid();
}

static void set_real_ids(uid_t uid, gid_t gid)
{
	if (setresgid(gid, (gid_t)-1, (gid_t)-1) < 0 || setresuid(uid, (uid_t)-1, (uid_t)-1) < 0)
		fatal(errno, "real ids %u and %u", uid, gid);
}

/*
 * Without CAP_SYS_RESOURCE the kernel asks that the caller's real ids are all ids of the process. The
 * effective ones, which everything else goes by, stay.
 */
int privileges_limit(const struct privileges *p, unsigned user, pid_t pid, int resource,
		     const struct rlimit *limit)
{
	bool lend = p->change_user && !p->any_limits;
	uid_t uid = getuid();
	gid_t gid = getgid();
	int error;

	if (lend)
		set_real_ids(user, user);
	error = prlimit(pid, resource, limit, NULL) < 0 ? -errno : 0;
	if (lend)
		set_real_ids(uid, gid);
	return error;
}
