/*
 * A long random series of calls on names, the same in each run. Each result is folded into a
 * digest: the file layer must answer each call as Linux's tmpfs does.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "sandbox.h"

#define CALLS 60000
#define REPORT 5000

static unsigned long long state = 88172645463325252ull, digest = 14695981039346656037ull;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11) % n;
}

static void fold(unsigned long long v)
{
	digest = (digest ^ v) * 1099511628211ull;
}

/* One to three names out of few, so that calls meet; now and then ".", ".." or a slash at the end. */
static const char *name(char *buf)
{
	static const char *const parts[] = { "a", "b", "c", "d", "a-name-longer-than-most-names-are",
					     ".", ".." };
	unsigned n = 1 + below(3);

	buf[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		strcat(buf, i ? "/" : "");
		strcat(buf, parts[below(20) ? below(5) : 5 + below(2)]);
	}
	if (!below(25))
		strcat(buf, "/");
	return buf;
}

static long write_some(const char *path)
{
	int fd =
		open(path, O_RDWR | O_NONBLOCK | O_CREAT | (below(4) ? 0 : O_TRUNC) | (below(4) ? 0 : O_EXCL),
		     0644);
	char buf[64];
	long n;

	if (fd < 0)
		return -1;
	memset(buf, 'a' + (int)below(26), sizeof buf);
	lseek(fd, (off_t)below(9000), SEEK_SET);
	n = write(fd, buf, below(sizeof buf));
	close(fd);
	return n;
}

static long read_all(const char *path)
{
	static char buf[16384];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	long n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof buf);
	for (long i = 0; i < n; i++)
		fold((unsigned char)buf[i]);
	close(fd);
	return n;
}

/* Entries come in no particular order: their sum does not depend on it. */
static long list(const char *path)
{
	DIR *d = opendir(path);
	unsigned long long sum = 0;
	struct dirent *e;
	int error;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		sum += (unsigned)(e->d_name[0] * 31 + e->d_name[1] + e->d_type * 7);
	error = errno;
	closedir(d);
	fold(sum);
	errno = error;
	return 0;
}

static long status(const char *path, int flags)
{
	struct stat st;
	long ret = fstatat(AT_FDCWD, path, &st, flags);

	if (!ret) {
		fold(st.st_mode);
		fold(st.st_nlink);
		if (!S_ISDIR(st.st_mode))
			fold((unsigned long long)st.st_size);
	}
	return ret;
}

static long link_text(const char *path)
{
	char buf[300];
	long n = readlink(path, buf, sizeof buf);

	for (long i = 0; i < n; i++)
		fold((unsigned char)buf[i]);
	return n;
}

static int verbose; /* argument -v: each call, to find the first that differs */

static long one_call(void)
{
	char a[256], b[256];
	unsigned call;

	name(a);
	name(b);
	call = below(18);
	if (verbose)
		printf("call %u %s %s: ", call, a, b);
	errno = 0;
	switch (call) {
	case 0:
	case 1:
		return mkdir(a, 0755);
	case 2:
	case 3:
		return write_some(a);
	case 4:
		return unlink(a);
	case 5:
		return rmdir(a);
	case 6:
	case 7:
		return rename(a, b);
	case 8:
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, below(2) ? RENAME_NOREPLACE : RENAME_EXCHANGE);
	case 9:
		return link(a, b);
	case 10:
		return symlink(a, b);
	case 11:
		return link_text(a);
	case 12:
		return status(a, 0);
	case 13:
		return status(a, AT_SYMLINK_NOFOLLOW);
	case 14:
		return read_all(a);
	case 15:
		return list(a);
	case 16:
		return truncate(a, (off_t)below(10000));
	default:
		return mknod(a, below(2) ? S_IFREG | 0600 : S_IFIFO | 0600, 0);
	}
}

int main(int argc, char **argv)
{
	verbose = argc > 1 && !strcmp(argv[1], "-v");
	memcpy(sandbox, "/dev/shm/g-XXXXXX", sizeof "/dev/shm/g-XXXXXX");
	sandbox_enter();
	/* Deep enough that ".." never leaves the sandbox. */
	REQUIRE(!mkdir("x", 0755) && !mkdir("x/y", 0755) && !mkdir("x/y/z", 0755) && !chdir("x/y/z"));
	for (int i = 1; i <= CALLS; i++) {
		long ret = one_call();

		fold((unsigned long long)ret);
		fold((unsigned long long)(ret < 0 ? errno : 0));
		if (verbose)
			printf("%d %ld %d %016llx\n", i, ret, ret < 0 ? errno : 0, digest);
		else if (i % REPORT == 0)
			printf("ok %d calls, digest %016llx\n", i, digest);
	}
	return 0;
}
