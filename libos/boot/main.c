/* Boot: the library OS starts, then the program that the host named. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "abi/layout.h"
#include "arch/arch.h"
#include "boot.h"
#include "elf.h"
#include "fs/tree.h"
#include "host/host.h"
#include "host/link.h"
#include "include/syscall.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "pipe/pipe.h"
#include "process/random.h"
#include "thread/sched.h"
#include "time/clock.h"
#include "vfs/vfs.h"

#define PATH_BYTES 4096

/* The message's strings, copied: the scratch region is about to go. */
struct program {
	u32 argc, envc, root;
	bool stdin_link;
	const char **argv, **envp;
	const char *cwd;
};

static const char *next_string(const char **p, const char *end)
{
	const char *s = *p;
	size_t n = strnlen(s, (size_t)(end - s));

	if (s + n >= end)
		panic("boot message: a string has no end");
	*p = s + n + 1;
	return s;
}

static struct program *parse(const struct link_boot *boot, u64 bytes)
{
	u64 text_bytes = bytes - sizeof *boot;
	u64 pointers = ((u64)boot->argc + boot->envc + 2) * sizeof(char *);

	if (!boot->argc || boot->argc + boot->envc > text_bytes)
		panic("boot message: %u arguments and %u variables in %lu bytes", boot->argc, boot->envc,
		      text_bytes);
	struct program *g = kmalloc(sizeof *g + pointers + text_bytes);
	if (!g)
		panic("no memory for the boot message");
	char *text = (char *)(g + 1) + pointers;
	memcpy(text, boot + 1, text_bytes);
	const char *p = text, *end = text + text_bytes;
	*g = (struct program){ .argc = boot->argc,
			       .envc = boot->envc,
			       .root = boot->root,
			       .stdin_link = boot->stdin_link != 0 };
	g->argv = (const char **)(g + 1);
	g->envp = g->argv + g->argc + 1;
	for (u32 i = 0; i < g->argc; i++)
		g->argv[i] = next_string(&p, end);
	for (u32 i = 0; i < g->envc; i++)
		g->envp[i] = next_string(&p, end);
	g->argv[g->argc] = NULL;
	g->envp[g->envc] = NULL;
	g->cwd = next_string(&p, end);
	return g;
}

static const char *variable(const struct program *g, const char *name)
{
	size_t n = strlen(name);

	for (u32 i = 0; i < g->envc; i++)
		if (!strncmp(g->envp[i], name, n) && g->envp[i][n] == '=')
			return g->envp[i] + n + 1;
	return NULL;
}

static int try_exec(const struct program *g, const char *path)
{
	return elf_exec(path, (int)g->argc, g->argv, (int)g->envc, g->envp, current->tf);
}

/* As execvp(3): a name without a slash is looked for along PATH. */
static int exec_program(const struct program *g)
{
	const char *name = g->argv[0];

	if (strchr(name, '/'))
		return try_exec(g, name);
	const char *dirs = variable(g, "PATH");
	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	static char path[PATH_BYTES];
	int err = -ENOENT;
	while (*dirs) {
		const char *colon = strchr(dirs, ':');
		size_t n = colon ? (size_t)(colon - dirs) : strlen(dirs);
		if (n && snprintf(path, sizeof path, "%.*s/%s", (int)n, dirs, name) < (int)sizeof path) {
			err = try_exec(g, path);
			if (err != -ENOENT && err != -EACCES && err != -ENOTDIR)
				return err;
		}
		dirs += n + (colon ? 1 : 0);
	}
	return err;
}

static void fail(const char *what, const char *name, int err)
{
	char text[256];
	const char *why = err == -ENOENT    ? "No such file or directory (the host's /tmp is not visible)"
			  : err == -EACCES  ? "Permission denied"
			  : err == -ENOTDIR ? "Not a directory"
			  : err == -EISDIR  ? "Is a directory"
			  : err == -ENOEXEC ? "Not an x86-64 Linux program"
			  : err == -ENOMEM  ? "Not enough memory"
					    : "failed";
	int n = snprintf(text, sizeof text, "seuss: %s %s: %s (error %d)\n", what, name, why, -err);

	link_send(LINK_STDERR, 0, text, (u64)MIN(n, (int)sizeof text - 1));
	uc_exit(err == -ENOENT ? 127 : 126, 0);
}

static void boot_thread(void *arg)
{
	const struct program *g = arg;

	host_munmap(UC_SCRATCH_BASE, UC_SCRATCH_END - UC_SCRATCH_BASE);
	link_stdin.eof = !g->stdin_link;
	special_register(S_IFIFO, fifo_open);
	fs_init(g->root == LINK_ROOT_HOST);
	int err = fs_chdir(g->cwd);
	if (err)
		fail("cannot enter directory", g->cwd, err);
	err = exec_program(g);
	if (err)
		fail("cannot run", g->argv[0], err);
	arch_enter_guest();
}

void kernel_boot(const struct link_boot *boot, u64 bytes)
{
	uc_identity = boot->identity;
	clock_boot(boot->clocks_behind_s);
	arch_xstate_init();
	mm_init(uc_identity.memory_limit);
	random_reseed(uc_identity.entropy);
	struct link_deployed up = { .deploy_id = uc_identity.deploy_id };
	link_send(LINK_DEPLOYED, 0, &up, sizeof up);
	struct program *g = parse(boot, bytes);
	const struct trapframe none = { .cs = 0x33, .ss = 0x2b, .rflags = 0x202, .orig_rax = ~0ull };
	struct thread *t = thread_create(&none, 0);
	if (!t)
		panic("no memory for the first thread");
	t->tid = (int)uc_identity.pid;
	sched_start(t, boot_thread, g);
}
