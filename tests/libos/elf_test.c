/* boot/elf_image.c: sound programs are mapped as linked, damaged ones refused before anything is mapped. */
#include "shim.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../libos/boot/elf_image.c"

#define FUZZ_ROUNDS 300000
#define ARENA 0x20000000ul
#define LOW_MAPS_MAX 64

static u8 *bytes;
static u64 byte_count;
static struct inode inode;
static struct file file = { .inode = &inode };
static int files_open;

static struct map {
	u64 start, end, offset;
	int prot;
	bool filed;
} maps[LOW_MAPS_MAX];
static int map_count;

/* ---- the library OS's surroundings ---------------------------------------------------- */

void *kmalloc(size_t n)
{
	return malloc(n);
}

void kfree(void *p)
{
	free(p);
}

long sys_open_kernel(const char *path, u32 flags)
{
	(void)flags;
	if (strcmp(path, "/program"))
		return -ENOENT;
	files_open++;
	return (long)&file;
}

void file_put(struct file *f)
{
	CHECK(f == &file);
	files_open--;
}

ssize_t file_pread(struct file *f, void *buf, u64 n, u64 pos)
{
	CHECK(f == &file);
	if (pos >= byte_count)
		return 0;
	n = MIN(n, byte_count - pos);
	memcpy(buf, bytes + pos, n);
	return (ssize_t)n;
}

long mm_mmap(u64 addr, u64 n, int prot, int flags, struct file *f, u64 offset)
{
	u64 span = PAGE_UP(n);

	CHECK(n && !(addr & ~PAGE_MASK) && !(offset & ~PAGE_MASK));
	CHECK(!f || (f == &file && offset < byte_count));
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		addr = ARENA;
	else if (addr < UC_PATCH_END || addr + span > UC_IMAGE_BASE || addr + span < addr)
		return -ENOMEM;
	if (span > UC_IMAGE_BASE - ARENA)
		return -ENOMEM;
	if (prot != PROT_NONE && map_count < LOW_MAPS_MAX)
		maps[map_count++] = (struct map){ addr, addr + span, offset, prot, f != NULL };
	return (long)addr;
}

long mm_munmap(u64 addr, u64 n)
{
	(void)addr;
	(void)n;
	return 0;
}

static u64 cleared_from, cleared_to;

int clear_user(u64 dst, u64 n)
{
	cleared_from = dst;
	cleared_to = dst + n;
	return 0;
}

/* ---- programs ---------------------------------------------------------------------------- */

static Elf64_Ehdr *header(void)
{
	return (void *)bytes;
}

static Elf64_Phdr *segment(int i)
{
	return (Elf64_Phdr *)(bytes + header()->e_phoff) + i;
}

/* Text, then data with bss that starts in the middle of a page and goes on into others. */
static void make(u16 type, u64 base)
{
	byte_count = 4 * PAGE_SIZE;
	memset(bytes, 0, byte_count);
	*header() = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
				  .e_type = type,
				  .e_machine = EM_X86_64,
				  .e_entry = base + 0x1010,
				  .e_phoff = sizeof(Elf64_Ehdr),
				  .e_phentsize = sizeof(Elf64_Phdr),
				  .e_phnum = 4 };
	*segment(0) = (Elf64_Phdr){ PT_INTERP, PF_R, 0x300, base + 0x300, 0, 9, 9, 1 };
	*segment(1) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, base, 0, 0x1800, 0x1800, 0x1000 };
	*segment(2) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x1800, base + 0x2800, 0, 0x400, 0x2600, 0x1000 };
	*segment(3) = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
	memcpy(bytes + 0x300, "/program", 9);
	inode = (struct inode){ .mode = S_IFREG | 0755, .size = byte_count };
}

static int load(struct elf_image *image)
{
	int ret = elf_image_open(image, "/program");

	map_count = 0;
	return ret ? ret : elf_image_map(image);
}

static void check_sound(u16 type, u64 base, u64 bias)
{
	struct elf_image image;

	make(type, base);
	CHECK(!load(&image) && image.bias == bias && !strcmp(image.interpreter, "/program") &&
	      !image.exec_stack);
	CHECK(elf_image_headers(&image) == bias + base + sizeof(Elf64_Ehdr));
	base += bias;
	CHECK(map_count == 3);
	CHECK(maps[0].start == base && maps[0].end == base + 0x2000 &&
	      maps[0].prot == (PROT_READ | PROT_EXEC));
	CHECK(maps[1].start == base + 0x2000 && maps[1].end == base + 0x3000 && maps[1].offset == 0x1000);
	CHECK(maps[2].start == base + 0x3000 && maps[2].end == base + 0x5000 && !maps[2].filed);
	CHECK(cleared_from == base + 0x2c00 && cleared_to == base + 0x3000);
	elf_image_close(&image);
	CHECK(!files_open);
}

static void refused(int error)
{
	struct elf_image image;

	CHECK(load(&image) == error && !map_count);
	elf_image_close(&image);
	CHECK(!files_open);
}

#define REFUSED(damage)            \
	do {                       \
		make(ET_DYN, 0);   \
		damage;            \
		refused(-ENOEXEC); \
	} while (0)

static void check_refusals(void)
{
	REFUSED(bytes[0] = 0);
	REFUSED(header()->e_machine = EM_386);
	REFUSED(header()->e_type = ET_REL);
	REFUSED(header()->e_phnum = 0);
	REFUSED(header()->e_phnum = 0xffff);
	REFUSED(header()->e_phentsize = 8);
	REFUSED(header()->e_phoff = ~0ull);
	REFUSED(header()->e_entry = 0x100000);
	REFUSED(segment(1)->p_filesz = 0x1900);
	REFUSED(segment(1)->p_offset = 1);
	REFUSED(segment(1)->p_align = 3);
	REFUSED(segment(2)->p_vaddr = 0x800);
	REFUSED(segment(2)->p_memsz = ~0ull);
	REFUSED(segment(2)->p_vaddr = ~0xfffull + 0x800);
	REFUSED(segment(2)->p_offset = byte_count + 0x800);
	REFUSED(bytes[0x308] = 'x');
	REFUSED(segment(0)->p_filesz = 1);
	REFUSED(segment(0)->p_filesz = 1ull << 40);
	REFUSED(byte_count = 100);
	make(ET_DYN, 0);
	inode.mode = S_IFDIR | 0755;
	refused(-EACCES);
	make(ET_DYN, 0);
	inode.mode = S_IFREG | 0644;
	refused(-EACCES);
	make(ET_EXEC, 0); /* linked where no program may lie */
	refused(-ENOEXEC);
}

static void check_fuzz(void)
{
	for (int i = 0; i < FUZZ_ROUNDS; i++) {
		struct elf_image image;
		int ret;

		make(i % 2 ? ET_DYN : ET_EXEC, i % 2 ? 0 : 0x400000);
		for (unsigned n = 1 + random_below(4); n; n--) {
			static const u8 values[] = { 0, 1, 0x7f, 0x80, 0xff };
			u8 *p = &bytes[4 + random_below(sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr) - 4)];

			*p = random_below(2) ? values[random_below(sizeof values)] : (u8)random_below(256);
		}
		ret = load(&image);
		CHECK(ret == 0 || ret == -ENOEXEC || ret == -ENOMEM);
		elf_image_close(&image);
		CHECK(!files_open);
	}
}

int main(void)
{
	bytes = calloc(4, PAGE_SIZE);
	CHECK(bytes);
	check_sound(ET_EXEC, 0x400000, 0);
	check_sound(ET_DYN, 0, ARENA);
	check_sound(ET_DYN, 0x10000, ARENA - 0x10000);
	check_refusals();
	check_fuzz();
	free(bytes);
	puts("ok elf");
	return 0;
}
