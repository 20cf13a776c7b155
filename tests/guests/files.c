/* open(2), read(2), write(2), lseek(2), ftruncate(2), fallocate(2), stat(2): regular files. */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "sandbox.h"

/* An address that is never mapped, and that the compiler does not see through. */
static void *volatile nowhere = (void *)1;

static void open_flags(void)
{
	int fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0666);
	struct stat st;

	REQUIRE(fd >= 0);
	REQUIRE(!fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0644 && st.st_nlink == 1);
	REQUIRE(st.st_size == 0 && st.st_uid == getuid());
	REQUIRE(FAILS(open("new", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST));
	REQUIRE(FAILS(open("none", O_RDONLY), ENOENT));
	REQUIRE(FAILS(open("new/below", O_RDONLY), ENOTDIR));
	REQUIRE(FAILS(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR));
	REQUIRE(FAILS(open(".", O_WRONLY), EISDIR));
	REQUIRE(FAILS(open("fresh/", O_WRONLY | O_CREAT, 0600), EISDIR));
	REQUIRE(FAILS(open(".", O_WRONLY | O_CREAT, 0600), EISDIR));
	REQUIRE(FAILS(open("", O_RDONLY), ENOENT));
	REQUIRE(FAILS(open("x", O_RDONLY | O_CREAT | O_DIRECTORY), EINVAL));
	REQUIRE((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	REQUIRE(!close(fd) && FAILS(close(fd), EBADF));
}

static void read_write(void)
{
	char buf[16] = "";
	int fd = sandbox_file("rw", "hello world"), ro = open("rw", O_RDONLY), wo = open("rw", O_WRONLY);

	REQUIRE(read(fd, buf, 5) == 5 && !memcmp(buf, "hello", 5));
	REQUIRE(lseek(fd, 0, SEEK_CUR) == 5);
	REQUIRE(write(fd, "-", 1) == 1 && lseek(fd, -3, SEEK_END) == 8);
	REQUIRE(read(fd, buf, sizeof buf) == 3 && !memcmp(buf, "rld", 3));
	REQUIRE(read(fd, buf, sizeof buf) == 0);
	REQUIRE(pread(fd, buf, 6, 0) == 6 && !memcmp(buf, "hello-", 6));
	REQUIRE(pwrite(fd, "H", 1, 0) == 1 && sandbox_holds("rw", "Hello-world"));
	REQUIRE(FAILS(write(ro, "x", 1), EBADF) && FAILS(read(wo, buf, 1), EBADF));
	REQUIRE(FAILS(pread(fd, buf, 1, -1), EINVAL));
	REQUIRE(FAILS(lseek(fd, -1, SEEK_SET), EINVAL));
	REQUIRE(FAILS(lseek(fd, 0, 99), EINVAL));
	REQUIRE(FAILS(write(fd, nowhere, 1), EFAULT));
	REQUIRE(FAILS(read(open(".", O_RDONLY), buf, 1), EISDIR));
}

static void sparse(void)
{
	char page[4096], zero[4096] = { 0 };
	int fd = sandbox_file("sparse", "");
	struct stat st;

	REQUIRE(pwrite(fd, "end", 3, 1 << 24) == 3);
	REQUIRE(!fstat(fd, &st) && st.st_size == (1 << 24) + 3 && st.st_blocks < 1024);
	REQUIRE(pread(fd, page, sizeof page, 1 << 20) == sizeof page && !memcmp(page, zero, sizeof page));
	REQUIRE(lseek(fd, 0, SEEK_DATA) == 1 << 24);
	REQUIRE(lseek(fd, 0, SEEK_HOLE) == 0);
	REQUIRE(lseek(fd, 1 << 24, SEEK_HOLE) == (1 << 24) + 3);
	REQUIRE(FAILS(lseek(fd, (1 << 24) + 3, SEEK_DATA), ENXIO));
}

static void truncation(void)
{
	int fd = sandbox_file("cut", "0123456789");
	char buf[16];

	REQUIRE(!ftruncate(fd, 4) && sandbox_holds("cut", "0123"));
	REQUIRE(!ftruncate(fd, 8) && pread(fd, buf, 16, 0) == 8 && !memcmp(buf, "0123\0\0\0\0", 8));
	REQUIRE(!truncate("cut", 2) && sandbox_holds("cut", "01"));
	REQUIRE(FAILS(ftruncate(fd, -1), EINVAL) && FAILS(truncate(".", 0), EISDIR));
	REQUIRE(FAILS(ftruncate(open("cut", O_RDONLY), 0), EINVAL));
	close(open("cut", O_WRONLY | O_TRUNC));
	REQUIRE(sandbox_holds("cut", ""));
}

static void allocation(void)
{
	int fd = sandbox_file("alloc", "abc");
	char buf[8];
	struct stat st;

	REQUIRE(!posix_fallocate(fd, 0, 10000) && !fstat(fd, &st) && st.st_size == 10000);
	REQUIRE(!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000) && !fstat(fd, &st) && st.st_size == 10000);
	REQUIRE(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 1));
	REQUIRE(pread(fd, buf, 3, 0) == 3 && !memcmp(buf, "a\0c", 3));
	REQUIRE(FAILS(fallocate(fd, 0, 0, 0), EINVAL));
}

/* A file lives until its last descriptor is closed. */
static void unlinked(void)
{
	int fd = sandbox_file("gone", "still here");
	char buf[16];
	struct stat st;

	REQUIRE(!unlink("gone") && FAILS(open("gone", O_RDONLY), ENOENT));
	REQUIRE(!fstat(fd, &st) && st.st_nlink == 0);
	REQUIRE(read(fd, buf, sizeof buf) == 10 && !memcmp(buf, "still here", 10));
	REQUIRE(write(fd, "!", 1) == 1);
}

static void nameless(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[64];

	REQUIRE(fd >= 0 && write(fd, "tmp", 3) == 3);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	REQUIRE(!linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	REQUIRE(sandbox_holds("named", "tmp"));
	REQUIRE(FAILS(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL));
}

static void descriptors(void)
{
	int fd = sandbox_file("dup", "abcdef"), copy = dup(fd), high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	char c;

	REQUIRE(copy > fd && high >= 100);
	REQUIRE(read(fd, &c, 1) == 1 && read(copy, &c, 1) == 1 && c == 'b');
	REQUIRE(fcntl(copy, F_GETFD) == 0 && fcntl(high, F_GETFD) == FD_CLOEXEC);
	REQUIRE(dup2(fd, 50) == 50 && dup2(fd, fd) == fd && FAILS(dup2(999, 998), EBADF));
	REQUIRE(FAILS(dup3(fd, fd, 0), EINVAL) && dup3(fd, 51, O_CLOEXEC) == 51);
	REQUIRE(fcntl(51, F_GETFD) == FD_CLOEXEC);
	REQUIRE(!fcntl(fd, F_SETFL, O_APPEND) && (fcntl(copy, F_GETFL) & O_APPEND));
	REQUIRE(!close_range(50, 51, 0) && FAILS(fcntl(50, F_GETFD), EBADF));
	REQUIRE(close(copy) == 0 && dup(fd) == copy);
	REQUIRE(FAILS(fcntl(fd, F_DUPFD, 1 << 30), EINVAL));
}

static void copying(void)
{
	int in = sandbox_file("source", "0123456789"), out = sandbox_file("target", "");
	off_t offset = 2, to = 1;

	REQUIRE(sendfile(out, in, &offset, 4) == 4 && offset == 6 && lseek(in, 0, SEEK_CUR) == 0);
	REQUIRE(sandbox_holds("target", "2345"));
	REQUIRE(copy_file_range(in, NULL, out, &to, 2, 0) == 2 && to == 3 && lseek(in, 0, SEEK_CUR) == 2);
	REQUIRE(sandbox_holds("target", "2015"));
	REQUIRE(sendfile(out, in, NULL, 100) == 8 && sandbox_holds("target", "201523456789"));
}

static void splicing(void)
{
	int in = sandbox_file("from", "0123456789"), out = sandbox_file("to", ""), fds[2];
	off_t offset = 3;
	char buf[16];

	REQUIRE(!pipe(fds) && splice(in, &offset, fds[1], NULL, 4, 0) == 4 && offset == 7);
	offset = 2;
	REQUIRE(splice(fds[0], NULL, out, &offset, 100, 0) == 4 && offset == 6);
	REQUIRE(pread(out, buf, 16, 0) == 6 && !memcmp(buf, "\0\0003456", 6));
	REQUIRE(FAILS(splice(fds[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN));
	REQUIRE(FAILS(splice(in, NULL, out, NULL, 1, 0), EINVAL));
	REQUIRE(FAILS(splice(in, NULL, fds[1], &offset, 1, 0), ESPIPE));
	close(fds[1]);
	REQUIRE(splice(fds[0], NULL, out, NULL, 1, 0) == 0);
}

static void mapping(void)
{
	int fd = sandbox_file("map", "mapped"), ro = open("map", O_RDONLY);
	char *shared, *private;

	REQUIRE(!ftruncate(fd, 8192));
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(shared != MAP_FAILED && private != MAP_FAILED);
	REQUIRE(!memcmp(shared, "mapped", 7) && !memcmp(private, "mapped", 7));
	private[0] = 'P';
	shared[0] = 'S';
	REQUIRE(private[0] == 'P' && pread(fd, private, 1, 0) == 1 && private[0] == 'S');
	REQUIRE(pwrite(fd, "second", 6, 4096) == 6 && !memcmp(shared + 4096, "second", 6));
	REQUIRE(FAILS((long)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0), EACCES));
	REQUIRE(!munmap(shared, 8192) && !munmap(private, 8192));
}

static void times(void)
{
	struct timespec when[2] = { { 1000, 5 }, { 2000, 7 } }, omit[2] = { { 0, UTIME_OMIT }, { 3000, 0 } };
	int fd = sandbox_file("times", "");
	struct stat st;

	REQUIRE(!futimens(fd, when) && !fstat(fd, &st));
	REQUIRE(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5 && st.st_mtim.tv_sec == 2000);
	REQUIRE(!utimensat(AT_FDCWD, "times", omit, 0) && !stat("times", &st));
	REQUIRE(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 3000);
	REQUIRE(write(fd, "x", 1) == 1 && !fstat(fd, &st) && st.st_mtim.tv_sec > 1000000);
	REQUIRE(!fchmod(fd, 0640) && !fstat(fd, &st) && (st.st_mode & 07777) == 0640);
	when[0].tv_nsec = 1000000000;
	REQUIRE(FAILS(futimens(fd, when), EINVAL));
}

static void status(void)
{
	struct statx sx;
	int fd = sandbox_file("status", "123");

	REQUIRE(!statx(AT_FDCWD, "status", 0, STATX_BASIC_STATS, &sx) && sx.stx_size == 3 &&
		S_ISREG(sx.stx_mode));
	REQUIRE(!statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx) && sx.stx_size == 3);
	REQUIRE(FAILS(statx(fd, "", 0, STATX_SIZE, &sx), ENOENT));
	REQUIRE(!access("status", R_OK | W_OK) && FAILS(access("status", X_OK), EACCES));
	REQUIRE(FAILS(access("none", F_OK), ENOENT) && FAILS(access("status", 8), EINVAL));
	REQUIRE(!fsync(fd) && !fdatasync(fd));
}

int main(void)
{
	sandbox_enter();
	GROUP("open flags", open_flags());
	GROUP("read, write, lseek", read_write());
	GROUP("sparse files", sparse());
	GROUP("truncation", truncation());
	GROUP("allocation", allocation());
	GROUP("an unlinked file", unlinked());
	GROUP("a nameless file", nameless());
	GROUP("descriptors", descriptors());
	GROUP("copying", copying());
	GROUP("splicing", splicing());
	GROUP("mapping", mapping());
	GROUP("times and mode", times());
	GROUP("status", status());
	return 0;
}
