/* ELF files: checked in full before a byte of them is mapped, since they may be hostile. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "abi/layout.h"
#include "image.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "vfs/vfs.h"

#define SEGMENTS_MAX 128
#define ALIGN_MAX (1ul << 30)

static int open_program(struct file **file, const char *path)
{
	long ret = sys_open_kernel(path, O_RDONLY);

	if (ret < 0)
		return (int)ret;
	*file = (struct file *)ret;
	if (!(*file)->inode || !S_ISREG((*file)->inode->mode) || !((*file)->inode->mode & 0111))
		return -EACCES;
	return 0;
}

/* All of it or nothing. */
static int read_exactly(struct file *file, void *buf, u64 bytes, u64 pos)
{
	ssize_t got = file_pread(file, buf, bytes, pos);

	if (got < 0)
		return (int)got;
	return (u64)got == bytes ? 0 : -ENOEXEC;
}

static bool header_is_sound(const Elf64_Ehdr *h)
{
	return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == EM_X86_64 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_phentsize == sizeof(Elf64_Phdr) &&
	       h->e_phnum && h->e_phnum <= SEGMENTS_MAX;
}

static int read_headers(struct elf_image *image)
{
	Elf64_Ehdr *h = &image->header;
	u64 bytes;
	int ret = read_exactly(image->file, h, sizeof *h, 0);

	if (ret)
		return ret;
	if (!header_is_sound(h))
		return -ENOEXEC;
	bytes = h->e_phnum * sizeof(Elf64_Phdr);
	image->segments = kmalloc(bytes);
	if (!image->segments)
		return -ENOMEM;
	return read_exactly(image->file, image->segments, bytes, h->e_phoff);
}

static int read_interpreter(struct elf_image *image, const Elf64_Phdr *s)
{
	if (image->interpreter)
		return 0; /* the first counts */
	if (s->p_filesz < 2 || s->p_filesz > PATH_BYTES)
		return -ENOEXEC;
	image->interpreter = kmalloc(s->p_filesz);
	if (!image->interpreter)
		return -ENOMEM;
	if (read_exactly(image->file, image->interpreter, s->p_filesz, s->p_offset) ||
	    image->interpreter[s->p_filesz - 1])
		return -ENOEXEC;
	return 0;
}

/* Segments must lie in order, apart from each other, and in the file. */
static int check_load(struct elf_image *image, const Elf64_Phdr *s, u64 *end)
{
	u64 file_bytes = image->file->inode->size;

	if (s->p_filesz > s->p_memsz || s->p_vaddr < *end || s->p_vaddr >= UC_GUEST_END ||
	    s->p_memsz > UC_GUEST_END - s->p_vaddr)
		return -ENOEXEC;
	if (s->p_offset > file_bytes || s->p_filesz > file_bytes - s->p_offset)
		return -ENOEXEC;
	if ((s->p_vaddr ^ s->p_offset) & ~PAGE_MASK)
		return -ENOEXEC;
	if (s->p_align > ALIGN_MAX || (s->p_align & (s->p_align - 1)))
		return -ENOEXEC;
	if (!image->high)
		image->low = PAGE_DOWN(s->p_vaddr);
	*end = s->p_vaddr + s->p_memsz;
	image->high = PAGE_UP(*end);
	image->align = MAX(image->align, s->p_align);
	return 0;
}

static int check_segments(struct elf_image *image)
{
	bool entry_found = false;
	u64 entry = image->header.e_entry, end = 0;

	image->align = PAGE_SIZE;
	for (u32 i = 0; i < image->header.e_phnum; i++) {
		const Elf64_Phdr *s = &image->segments[i];
		int ret = 0;

		if (s->p_type == PT_LOAD && s->p_memsz) {
			ret = check_load(image, s, &end);
			entry_found |= entry >= s->p_vaddr && entry - s->p_vaddr < s->p_memsz;
		} else if (s->p_type == PT_INTERP) {
			ret = read_interpreter(image, s);
		} else if (s->p_type == PT_GNU_STACK) {
			image->exec_stack = s->p_flags & PF_X;
		}
		if (ret)
			return ret;
	}
	return entry_found ? 0 : -ENOEXEC;
}

int elf_image_open(struct elf_image *image, const char *path)
{
	int ret;

	*image = (struct elf_image){ 0 };
	ret = open_program(&image->file, path);
	if (!ret)
		ret = read_headers(image);
	return ret ? ret : check_segments(image);
}

void elf_image_close(struct elf_image *image)
{
	if (image->file)
		file_put(image->file);
	kfree(image->segments);
	kfree(image->interpreter);
	*image = (struct elf_image){ 0 };
}

/* Finds the span's place in memory; nothing stays mapped there. */
static int place(struct elf_image *image)
{
	u64 bytes = image->high - image->low, slack = image->align - PAGE_SIZE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	bool fixed = image->header.e_type == ET_EXEC;
	long addr;

	if (fixed)
		addr = mm_mmap(image->low, bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, NULL, 0);
	else
		addr = mm_mmap(0, bytes + slack, PROT_NONE, flags, NULL, 0);
	if (addr < 0)
		return addr == -ENOMEM && !fixed ? -ENOMEM : -ENOEXEC;
	mm_munmap((u64)addr, fixed ? bytes : bytes + slack);
	if (!fixed)
		image->bias = ALIGN_UP((u64)addr - image->low, image->align);
	return 0;
}

static int protection(const Elf64_Phdr *s)
{
	return (s->p_flags & PF_R ? PROT_READ : 0) | (s->p_flags & PF_W ? PROT_WRITE : 0) |
	       (s->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Memory beyond the file's part: the rest of its last page, then pages of its own. */
static int map_bss(u64 start, u64 end, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	u64 pages = PAGE_UP(start);
	long ret;

	/* To the end of the page, even if the segment ends before: ld.so allocates from there. */
	if ((prot & PROT_WRITE) && clear_user(start, pages - start))
		return -ENOEXEC;
	if (pages >= end)
		return 0;
	ret = mm_mmap(pages, PAGE_UP(end) - pages, prot, flags, NULL, 0);
	return ret < 0 ? (int)ret : 0;
}

static int map_segment(const struct elf_image *image, const Elf64_Phdr *s)
{
	u64 start = image->bias + s->p_vaddr, end = start + s->p_memsz, skew = start & ~PAGE_MASK;
	int prot = protection(s);

	if (s->p_filesz) {
		long ret = mm_mmap(start - skew, s->p_filesz + skew, prot, MAP_PRIVATE | MAP_FIXED,
				   image->file, s->p_offset - skew);

		if (ret < 0)
			return ret == -ENOMEM ? -ENOMEM : -ENOEXEC;
	}
	if (s->p_memsz == s->p_filesz)
		return 0;
	if (!s->p_filesz)
		start -= skew; /* a page of zeroes from its beginning */
	return map_bss(start + s->p_filesz, end, prot);
}

int elf_image_map(struct elf_image *image)
{
	int ret = place(image);

	for (u32 i = 0; !ret && i < image->header.e_phnum; i++) {
		const Elf64_Phdr *s = &image->segments[i];

		if (s->p_type == PT_LOAD && s->p_memsz)
			ret = map_segment(image, s);
	}
	return ret;
}

u64 elf_image_headers(const struct elf_image *image)
{
	for (u32 i = 0; i < image->header.e_phnum; i++) {
		const Elf64_Phdr *s = &image->segments[i];
		u64 offset = image->header.e_phoff;

		if (s->p_type == PT_LOAD && offset >= s->p_offset && offset - s->p_offset < s->p_filesz)
			return image->bias + s->p_vaddr + (offset - s->p_offset);
	}
	return 0;
}
