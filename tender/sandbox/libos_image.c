#include "sandbox/libos_image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/layout.h"
#include "abi/link.h"
#include "base/base.h"
#include "base/fnv1a.h"
#include "base/sealed.h"

#define IMAGE_BYTES_MAX (UC_LIBOS_END - UC_LIBOS_BASE)
/* The library OS has fewer segments. */
#define IMAGE_PHDR_MAX 16

static int sealed_copy(const uint8_t *bytes, size_t size)
{
	int fd = sealed_create("seuss-libos"), error;

	if (fd < 0)
		fatal(-fd, "memory file for the library OS");
	error = pwrite_all(fd, bytes, size, 0);
	if (error)
		fatal(-error, "copy of the library OS");
	fd = sealed_finish(fd);
	if (fd < 0)
		fatal(-fd, "seal of the library OS");
	return fd;
}

static bool in_image(const struct libos_header *h, uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < h->image_end;
}

static void check_header(const struct libos_header *h, const char *path)
{
	if (h->magic != LIBOS_MAGIC || h->version != LIBOS_VERSION)
		fatal(0, "%s: no library OS of version %u at its start", path, LIBOS_VERSION);
	if (h->link_version != LINK_VERSION)
		fatal(0, "%s: the library OS speaks version %u of the link, the tender version %u", path,
		      h->link_version, LINK_VERSION);
	if (h->image_end <= UC_LIBOS_BASE || h->image_end > UC_LIBOS_END || !in_image(h, h->embryo_entry) ||
	    !in_image(h, h->reset_entry) || !in_image(h, h->signal_entry) ||
	    !in_image(h, h->signal_restorer) || !in_image(h, h->altstack_base) ||
	    h->altstack_bytes > h->image_end - h->altstack_base || !in_image(h, h->hostcall_start) ||
	    !in_image(h, h->hostcall_end) || h->hostcall_start >= h->hostcall_end ||
	    (h->trapframe_end && !in_image(h, h->trapframe_end)) ||
	    (h->driver_in_bytes && !in_image(h, h->driver_in_bytes)))
		fatal(0, "%s: an address of its header is outside the image", path);
}

/* The segment that holds UC_LIBOS_BASE begins with the header. */
static void read_header(struct libos_image *image, const uint8_t *bytes, size_t size, const char *path)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (size < sizeof eh)
		fatal(0, "%s: too short for an ELF file", path);
	memcpy(&eh, bytes, sizeof eh);
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_machine != EM_X86_64 || eh.e_phentsize != sizeof ph || eh.e_phnum > IMAGE_PHDR_MAX ||
	    eh.e_phoff > size || eh.e_phnum * sizeof ph > size - eh.e_phoff)
		fatal(0, "%s: no x86-64 ELF file", path);
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, bytes + eh.e_phoff + i * sizeof ph, sizeof ph);
		if (ph.p_type != PT_LOAD || ph.p_vaddr > UC_LIBOS_BASE ||
		    UC_LIBOS_BASE - ph.p_vaddr >= ph.p_filesz)
			continue;
		ph.p_offset += UC_LIBOS_BASE - ph.p_vaddr;
		if (ph.p_offset > size || sizeof image->header > size - ph.p_offset)
			break;
		memcpy(&image->header, bytes + ph.p_offset, sizeof image->header);
		check_header(&image->header, path);
		return;
	}
	fatal(0, "%s: no segment holds address %#lx", path, UC_LIBOS_BASE);
}

void libos_image_load(struct libos_image *image, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;
	int error;

	if (fd < 0 || fstat(fd, &st) < 0)
		fatal(errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > IMAGE_BYTES_MAX)
		fatal(0, "%s: not a library OS image", path);
	bytes = xcalloc(1, (size_t)st.st_size);
	error = pread_all(fd, bytes, (size_t)st.st_size, 0);
	if (error)
		fatal(-error, "%s", path);
	close(fd);
	image->id = fnv1a(FNV1A_START, bytes, (size_t)st.st_size);
	read_header(image, bytes, (size_t)st.st_size, path);
	image->fd = sealed_copy(bytes, (size_t)st.st_size);
	free(bytes);
}

static int map_fixed(uint64_t addr, uint64_t bytes, int prot, int flags, int fd, uint64_t offset)
{
	void *p =
		mmap((void *)addr, bytes, prot, flags | MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	return p == (void *)addr ? 0 : -EEXIST;
}

/* Zeroed memory behind a segment's file bytes, the rest of the last file page included. */
static int map_bss(const Elf64_Phdr *ph, int prot)
{
	uint64_t file_end = ph->p_vaddr + ph->p_filesz, end = PAGE_UP(ph->p_vaddr + ph->p_memsz);
	uint64_t start = ph->p_filesz ? PAGE_UP(file_end) : PAGE_DOWN(file_end);

	if (ph->p_filesz && ph->p_memsz > ph->p_filesz && (prot & PROT_WRITE))
		memset((void *)file_end, 0, start - file_end);
	if (end <= start)
		return 0;
	return map_fixed(start, end - start, prot, MAP_ANONYMOUS, -1, 0);
}

static int map_segment(int fd, const Elf64_Phdr *ph)
{
	uint64_t start = PAGE_DOWN(ph->p_vaddr), skew = ph->p_vaddr - start;
	int prot = (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
		   (ph->p_flags & PF_X ? PROT_EXEC : 0);
	int error;

	if (ph->p_vaddr < UC_LIBOS_BASE || ph->p_vaddr >= UC_LIBOS_END ||
	    ph->p_memsz > UC_LIBOS_END - ph->p_vaddr || ph->p_filesz > ph->p_memsz || ph->p_offset < skew ||
	    (ph->p_offset - skew) % UC_PAGE_SIZE)
		return -ENOEXEC;
	if (ph->p_filesz) {
		error = map_fixed(start, PAGE_UP(skew + ph->p_filesz), prot, 0, fd, ph->p_offset - skew);
		if (error)
			return error;
	}
	return map_bss(ph, prot);
}

int libos_image_map(const struct libos_image *image)
{
	uint64_t heap = PAGE_UP(image->header.image_end);
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int error;

	error = pread_all(image->fd, &eh, sizeof eh, 0);
	for (unsigned i = 0; !error && i < eh.e_phnum; i++) {
		error = pread_all(image->fd, &ph, sizeof ph, eh.e_phoff + i * sizeof ph);
		if (!error && ph.p_type == PT_LOAD && ph.p_memsz)
			error = map_segment(image->fd, &ph);
	}
	if (!error && heap < UC_LIBOS_END)
		error = map_fixed(heap, UC_LIBOS_END - heap, PROT_READ | PROT_WRITE,
				  MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!error)
		error = map_fixed(UC_SCRATCH_BASE, UC_SCRATCH_END - UC_SCRATCH_BASE, PROT_READ | PROT_WRITE,
				  MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return error;
}

/* End of the bytes that a segment has from the file: whole pages, unless map_bss has zeroed the rest. */
static uint64_t file_end(const Elf64_Phdr *ph)
{
	uint64_t end = ph->p_vaddr + ph->p_filesz;

	return ph->p_memsz > ph->p_filesz && (ph->p_flags & PF_W) ? end : PAGE_UP(end);
}

static int read_segment(int fd, const Elf64_Phdr *ph, uint64_t addr, char *to, size_t bytes)
{
	uint64_t start = PAGE_DOWN(ph->p_vaddr), end = file_end(ph);
	int error;

	start = start > addr ? start : addr;
	end = end < addr + bytes ? end : addr + bytes;
	if (!ph->p_filesz || start >= end)
		return 0;
	error = pread_all(fd, to + (start - addr), end - start, ph->p_offset + start - ph->p_vaddr);
	/* The last page of the file may be a part of one, the rest reads as zero. */
	return error == -ENODATA ? 0 : error;
}

int libos_image_read(const struct libos_image *image, uint64_t addr, void *to, size_t bytes)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int error;

	memset(to, 0, bytes);
	error = pread_all(image->fd, &eh, sizeof eh, 0);
	for (unsigned i = 0; !error && i < eh.e_phnum; i++) {
		error = pread_all(image->fd, &ph, sizeof ph, eh.e_phoff + i * sizeof ph);
		if (!error && ph.p_type == PT_LOAD && ph.p_memsz)
			error = read_segment(image->fd, &ph, addr, to, bytes);
	}
	return error;
}
