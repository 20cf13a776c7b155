/* Between boot/elf.c, boot/elf_image.c and boot/stack.c: a program on its way into memory. */
#ifndef LIBOS_BOOT_IMAGE_H
#define LIBOS_BOOT_IMAGE_H

#include <linux/elf.h>

#include "include/types.h"

struct file;

#define PATH_BYTES 4096ul

/* An opened and checked ELF file. */
struct elf_image {
	struct file *file;
	Elf64_Ehdr header;
	Elf64_Phdr *segments; /* header.e_phnum of them */
	u64 low, high; /* page-aligned span of its PT_LOADs, as linked */
	u64 align;     /* the largest of its PT_LOADs */
	u64 bias;      /* added to linked addresses; known once mapped */
	char *interpreter; /* path, or NULL */
	bool exec_stack;
};

/* boot/elf_image.c. Each 0 or a negative errno; *image is to be closed after any result of open. */
int elf_image_open(struct elf_image *image, const char *path);
int elf_image_map(struct elf_image *image);
u64 elf_image_headers(const struct elf_image *image); /* address of the program headers, 0 if not mapped */
void elf_image_close(struct elf_image *image);

/* What the stack of a new program holds. */
struct stack_content {
	int argc, envc;
	const char **argv, **envp;
	const char *exec_path; /* AT_EXECFN */
	const struct elf_image *program, *interpreter; /* interpreter may be NULL */
};

/* boot/stack.c: maps the stack. Its top, or a negative errno. */
long stack_map(bool exec);
/* Fills it, and exec_info. %rsp at entry, or a negative errno. */
long stack_fill(u64 top, const struct stack_content *c);

#endif
