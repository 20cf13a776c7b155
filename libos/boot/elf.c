/* Starting a program: scripts, the ELF interpreter, first registers. */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "abi/layout.h"
#include "elf.h"
#include "image.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "thread/thread.h"
#include "vfs/vfs.h"

#define SCRIPT_LINE_BYTES 256
#define USER_CS 0x33
#define USER_SS 0x2b
#define FLAGS_IF 0x202

struct exec_info exec_info;

/* The first line of a script, split: "#! interpreter argument", the argument being optional and one. */
struct script {
	char line[SCRIPT_LINE_BYTES];
	const char *interpreter, *argument;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

static int split_line(struct script *s)
{
	char *p = skip_blanks(s->line + 2), *end;

	s->interpreter = p;
	while (*p && !is_blank(*p))
		p++;
	if (p == s->interpreter)
		return -ENOEXEC;
	if (!*p)
		return 0;
	*p = '\0';
	s->argument = p = skip_blanks(p + 1);
	for (end = p + strlen(p); end > p && is_blank(end[-1]); end--)
		end[-1] = '\0';
	if (!*p)
		s->argument = NULL;
	return 0;
}

/* 1: a script, 0: none, or a negative errno. */
static int read_script(struct script *s, const char *path)
{
	long file = sys_open_kernel(path, O_RDONLY);
	ssize_t got;
	char *end;

	if (file < 0)
		return (int)file;
	*s = (struct script){ 0 };
	got = file_pread((struct file *)file, s->line, sizeof s->line - 1, 0);
	file_put((struct file *)file);
	if (got < 0)
		return (int)got;
	if (got < 2 || s->line[0] != '#' || s->line[1] != '!')
		return 0;
	end = memchr(s->line, '\n', (size_t)got);
	if (!end && (u64)got == sizeof s->line - 1)
		return -ENOEXEC; /* a path cut short would be another path */
	if (end)
		*end = '\0';
	return split_line(s) ? -ENOEXEC : 1;
}

static int open_images(struct elf_image *program, struct elf_image *interpreter, const char *path)
{
	int ret = elf_image_open(program, path);

	if (ret || !program->interpreter)
		return ret;
	return elf_image_open(interpreter, program->interpreter);
}

/* The stack first: what is in use of it is at its top, beside the code that follows. */
static long map_all(struct stack_content *c, struct elf_image *program, struct elf_image *interpreter)
{
	long top = stack_map(program->exec_stack);
	int ret = top < 0 ? (int)top : elf_image_map(program);

	c->program = program;
	if (!ret && interpreter->file) {
		ret = elf_image_map(interpreter);
		c->interpreter = interpreter;
	}
	return ret ? ret : stack_fill((u64)top, c);
}

static int note_path(const char *path)
{
	size_t bytes = strlen(path) + 1;

	kfree(exec_info.path);
	exec_info.path = kmalloc(bytes);
	if (!exec_info.path)
		return -ENOMEM;
	memcpy(exec_info.path, path, bytes);
	return 0;
}

static int run(struct stack_content *c, const char *path, struct trapframe *tf)
{
	struct elf_image program = { 0 }, interpreter = { 0 };
	const struct elf_image *first;
	long sp;
	int ret = open_images(&program, &interpreter, path);

	if (!ret)
		ret = note_path(path);
	if (ret)
		goto out;
	sp = map_all(c, &program, &interpreter);
	if (sp < 0) {
		ret = (int)sp;
		goto out;
	}
	mm_set_brk_start(program.header.e_type == ET_EXEC ? program.high : UC_EXEC_BASE);
	first = c->interpreter ? c->interpreter : &program;
	*tf = (struct trapframe){ .cs = USER_CS, .ss = USER_SS, .rflags = FLAGS_IF, .orig_rax = ~0ull };
	tf->rip = first->bias + first->header.e_entry;
	tf->rsp = (u64)sp;
out:
	elf_image_close(&program);
	elf_image_close(&interpreter);
	return ret;
}

/* The script's path takes the place of its argv[0], behind the interpreter and its argument. */
static int run_script(const struct script *s, struct stack_content *c, struct trapframe *tf)
{
	int extra = s->argument ? 2 : 1, argc = MAX(c->argc, 1), n = 0, ret;
	const char **argv = kmalloc(((u64)argc + (u64)extra + 1) * sizeof *argv);

	if (!argv)
		return -ENOMEM;
	argv[n++] = s->interpreter;
	if (s->argument)
		argv[n++] = s->argument;
	argv[n++] = c->exec_path;
	for (int i = 1; i < c->argc; i++)
		argv[n++] = c->argv[i];
	c->argc = n;
	c->argv = argv;
	ret = run(c, s->interpreter, tf);
	kfree(argv);
	return ret;
}

int elf_exec(const char *path, int argc, const char **argv, int envc, const char **envp, struct trapframe *tf)
{
	struct stack_content c = {
		.argc = argc, .argv = argv, .envc = envc, .envp = envp, .exec_path = path
	};
	struct script script;
	int ret = read_script(&script, path);

	if (ret < 0)
		return ret;
	return ret ? run_script(&script, &c, tf) : run(&c, path, tf);
}
