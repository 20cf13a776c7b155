/* proc(5): what programs read about themselves. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "sandbox.h"

static char text[1 << 16];

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, len = 0;

	REQUIRE(fd >= 0);
	while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
		len += n;
	REQUIRE(n == 0);
	text[len] = 0;
	close(fd);
	return text;
}

static void links(void)
{
	char buf[256] = "", here[256], number[16];

	REQUIRE(readlink("/proc/self", buf, sizeof buf - 1) > 0);
	snprintf(number, sizeof number, "%d", getpid());
	REQUIRE(!strcmp(buf, number));
	memset(buf, 0, sizeof buf);
	REQUIRE(readlink("/proc/self/cwd", buf, sizeof buf - 1) > 0 && getcwd(here, sizeof here) &&
		!strcmp(buf, here));
	memset(buf, 0, sizeof buf);
	REQUIRE(readlink("/proc/self/exe", buf, sizeof buf - 1) > 0 && buf[0] == '/' && strstr(buf, "/proc"));
	REQUIRE(readlink("/proc/self/root", buf, sizeof buf) == 1 && buf[0] == '/');
	REQUIRE(!access("/proc/thread-self/stat", R_OK) && !access("/proc/self/exe", R_OK | X_OK));
}

static void maps(void)
{
	unsigned long start, end,
		wanted = (unsigned long)mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int found = 0, stack = 0, program = 0;
	char perms[5], *line;

	mprotect((void *)(wanted + 4096), 4096, PROT_NONE);
	for (line = strtok(slurp("/proc/self/maps"), "\n"); line; line = strtok(NULL, "\n")) {
		REQUIRE(sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 && start < end);
		found += start == wanted + 4096 && end == wanted + 8192 && !strcmp(perms, "---p");
		stack += start <= (unsigned long)&line && (unsigned long)&line < end &&
			 strstr(line, "[stack]");
		program += start <= (unsigned long)maps && (unsigned long)maps < end && perms[2] == 'x' &&
			   strstr(line, "/proc");
	}
	REQUIRE(found == 1 && stack == 1 && program == 1);
	REQUIRE(strstr(slurp("/proc/self/smaps"), "Rss:"));
}

static void strings(int argc, char **argv)
{
	(void)argc;
	REQUIRE(!strcmp(slurp("/proc/self/cmdline"), argv[0]));
	REQUIRE(!prctl(PR_SET_NAME, "renamed") && !strcmp(slurp("/proc/self/comm"), "renamed\n"));
	REQUIRE(strstr(slurp("/proc/self/status"), "Name:\trenamed\n") && strstr(text, "\nThreads:\t1\n"));
	REQUIRE(strstr(slurp("/proc/self/stat"), "(renamed) R "));
	REQUIRE(strstr(slurp("/proc/self/limits"), "Max open files"));
	REQUIRE(getenv("PATH") == NULL || strlen(slurp("/proc/self/environ")) > 0);
}

static void *thread(void *arg)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/comm", gettid());
	(void)arg;
	pthread_setname_np(pthread_self(), "worker");
	return (void *)(long)strcmp(slurp(path), "worker\n");
}

static void tasks(void)
{
	void *result;
	pthread_t t;

	REQUIRE(!pthread_create(&t, NULL, thread, NULL) && !pthread_join(t, &result) && !result);
	REQUIRE(FAILS(open("/proc/self/task/999999", O_RDONLY), ENOENT));
}

static void descriptors(void)
{
	int fds[2], fd = sandbox_file("open", "x"), seen = 0;
	char path[64], target[256] = "";
	DIR *d = opendir("/proc/self/fd");

	for (struct dirent *e = readdir(d); e; e = readdir(d))
		seen += atoi(e->d_name) == fd && e->d_type == DT_LNK;
	REQUIRE(seen == 1 && !closedir(d));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	REQUIRE(readlink(path, target, sizeof target) > 0 && strstr(target, "/open"));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	REQUIRE(lseek(fd, 1, SEEK_SET) == 1 && strstr(slurp(path), "pos:\t1\nflags:\t0100002\n"));
	REQUIRE(!pipe(fds));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
	REQUIRE(readlink(path, target, sizeof target) > 0 && !strncmp(target, "pipe:[", 6));
	REQUIRE(FAILS(readlink("/proc/self/fd/999", target, 9), ENOENT));
}

static void machine(void)
{
	REQUIRE(strstr(slurp("/proc/meminfo"), "MemTotal:") && strstr(text, "MemAvailable:"));
	REQUIRE(strstr(slurp("/proc/cpuinfo"), "processor\t: 0") && strstr(text, "model name"));
	REQUIRE(strstr(slurp("/proc/stat"), "cpu0 ") && strstr(text, "btime "));
	REQUIRE(strchr(slurp("/proc/uptime"), '.') && !strncmp(slurp("/proc/version"), "Linux version ", 14));
	REQUIRE(strlen(slurp("/proc/sys/kernel/random/uuid")) == 37);
	REQUIRE(strstr(slurp("/proc/mounts"), " /proc proc ") &&
		strstr(slurp("/proc/self/mountinfo"), " / "));
	REQUIRE(!strncmp(slurp("/sys/devices/system/cpu/online"), "0", 1));
	REQUIRE(FAILS(open("/proc/none", O_RDONLY), ENOENT) &&
		FAILS(open("/proc/x", O_CREAT | O_WRONLY, 0600), ENOENT));
}

/* A text is made anew when read from the start. */
static void fresh(void)
{
	int fd = open("/proc/self/comm", O_RDWR);
	char buf[32] = "";

	REQUIRE(write(fd, "first", 5) == 5 && pread(fd, buf, sizeof buf, 0) == 6 && !strcmp(buf, "first\n"));
	REQUIRE(!prctl(PR_SET_NAME, "second") && pread(fd, buf, sizeof buf, 0) == 7 &&
		!strcmp(buf, "second\n"));
}

int main(int argc, char **argv)
{
	strings(argc, argv);
	sandbox_enter();
	GROUP("links", links());
	GROUP("maps", maps());
	GROUP("tasks", tasks());
	GROUP("descriptors", descriptors());
	GROUP("the machine", machine());
	GROUP("fresh texts", fresh());
	return 0;
}
