/*
 * fs/erofs/erofs_read.c on an image built by hand: what is in it is found, and no damage to it makes
 * the reader look outside of it (the image lies in a block of the heap, which ASan watches).
 */
#include "shim.h"
#include <string.h>
#include <sys/stat.h> /* S_IS…: linux/stat.h leaves them to glibc */

#include "../../libos/fs/erofs/erofs_read.c"

#define BLOCKS 16
#define IMAGE_BYTES (BLOCKS * EROFS_BLOCK)
#define META_BLOCK 1
#define FILES 700 /* entries of the big directory: several blocks */
#define MUTATIONS 30000

/* Node ids: slots from the start of the metadata block. */
enum { NID_ROOT = 0, NID_FILE = 4, NID_INLINE = 8, NID_LINK = 40, NID_DEVICE = 44, NID_BIG = 48 };
/* Blocks of data. */
enum { BLOCK_ROOT = 2, BLOCK_FILE = 3, BLOCK_BIG = 6 };

static const char inline_text[] = "a target that lies behind its inode";

static u8 *new_image(void)
{
	struct erofs_super super = { .magic = EROFS_MAGIC,
				     .block_bits = EROFS_BLOCK_BITS,
				     .root_nid = NID_ROOT,
				     .blocks = BLOCKS,
				     .meta_block = META_BLOCK,
				     .build_time = 1700000000 };
	u8 *image = calloc(1, IMAGE_BYTES);

	memcpy(image + EROFS_SUPER_OFFSET, &super, sizeof super);
	return image;
}

static void *slot(u8 *image, u64 nid)
{
	return image + META_BLOCK * EROFS_BLOCK + nid * EROFS_SLOT;
}

static void put_extended(u8 *image, u64 nid, u32 mode, u64 size, u32 layout, u32 block)
{
	struct erofs_extended e = { .format = (u16)(EROFS_FORMAT_EXTENDED | layout << 1),
				    .mode = (u16)mode,
				    .size = size,
				    .block = block,
				    .ino = (u32)nid + 1,
				    .nlink = 1,
				    .mtime = 1600000000 };

	memcpy(slot(image, nid), &e, sizeof e);
}

static void put_compact(u8 *image, u64 nid, u32 mode, u32 size, u32 layout, u32 block)
{
	struct erofs_compact c = { .format = (u16)(layout << 1),
				   .mode = (u16)mode,
				   .size = size,
				   .block = block,
				   .ino = (u32)nid + 1,
				   .nlink = 1,
				   .uid = 7,
				   .gid = 8 };

	memcpy(slot(image, nid), &c, sizeof c);
}

struct name {
	char text[16];
	u64 nid;
	u8 type;
};

/* Writes sorted names as directory blocks; returns the directory's size. */
static u64 put_directory(u8 *image, u32 block, const struct name *names, u32 count)
{
	u64 size = 0;

	for (u32 done = 0; done < count; block++) {
		u8 *base = image + block * EROFS_BLOCK;
		u32 used = 0, n = 0, offset;

		while (done + n < count &&
		       used + sizeof(struct erofs_dirent) + strlen(names[done + n].text) <= EROFS_BLOCK)
			used += (u32)sizeof(struct erofs_dirent) + (u32)strlen(names[done + n++].text);
		offset = n * (u32)sizeof(struct erofs_dirent);
		for (u32 i = 0; i < n; i++) {
			const struct name *name = &names[done + i];
			struct erofs_dirent d = { .nid = name->nid,
						  .name_offset = (u16)offset,
						  .type = name->type };

			memcpy(base + i * sizeof d, &d, sizeof d);
			memcpy(base + offset, name->text, strlen(name->text));
			offset += (u32)strlen(name->text);
		}
		done += n;
		size += done < count ? EROFS_BLOCK : offset;
	}
	return size;
}

static u8 *build(void)
{
	static const struct name root[] = { { ".", NID_ROOT, 2 },    { "..", NID_ROOT, 2 },
					    { "big", NID_BIG, 2 },   { "device", NID_DEVICE, 3 },
					    { "file", NID_FILE, 1 }, { "inline", NID_INLINE, 1 },
					    { "link", NID_LINK, 7 } };
	static struct name big[FILES];
	u8 *image = new_image();

	for (u32 i = 0; i < FILES; i++) {
		snprintf(big[i].text, sizeof big[i].text, "entry-%05u", i);
		big[i].nid = NID_FILE;
		big[i].type = 1;
	}
	put_extended(image, NID_ROOT, S_IFDIR | 0755,
		     put_directory(image, BLOCK_ROOT, root, ARRAY_SIZE(root)), EROFS_LAYOUT_PLAIN,
		     BLOCK_ROOT);
	put_extended(image, NID_BIG, S_IFDIR | 0755, put_directory(image, BLOCK_BIG, big, FILES),
		     EROFS_LAYOUT_PLAIN, BLOCK_BIG);
	put_extended(image, NID_FILE, S_IFREG | 0644, 2 * EROFS_BLOCK + 100, EROFS_LAYOUT_PLAIN, BLOCK_FILE);
	for (u32 i = 0; i < 2 * EROFS_BLOCK + 100; i++)
		image[BLOCK_FILE * EROFS_BLOCK + i] = (u8)(i * 7);
	/* A whole block elsewhere, the rest behind the inode. */
	put_extended(image, NID_INLINE, S_IFREG | 0600, EROFS_BLOCK + 200, EROFS_LAYOUT_INLINE, BLOCK_FILE);
	memset((u8 *)slot(image, NID_INLINE) + sizeof(struct erofs_extended), 'i', 200);
	put_compact(image, NID_LINK, S_IFLNK | 0777, sizeof inline_text - 1, EROFS_LAYOUT_INLINE, 0);
	memcpy((u8 *)slot(image, NID_LINK) + sizeof(struct erofs_compact), inline_text,
	       sizeof inline_text - 1);
	put_compact(image, NID_DEVICE, S_IFCHR | 0666, 0, EROFS_LAYOUT_PLAIN, 0x103);
	return image;
}

static u64 lookup(const struct erofs_image *img, u64 dir_nid, const char *name, int expected)
{
	struct erofs_inode dir;
	u64 nid = ~0ull;

	CHECK(!erofs_read_inode(img, dir_nid, &dir));
	CHECK(erofs_find(img, &dir, name, strlen(name), &nid) == expected);
	return nid;
}

static void check_contents(const struct erofs_image *img)
{
	struct erofs_inode i;
	const u8 *p;
	u64 n;

	CHECK(!erofs_read_inode(img, lookup(img, img->root_nid, "file", 0), &i) && S_ISREG(i.mode) &&
	      i.mtime == 1600000000);
	p = erofs_data(img, &i, 5000, &n);
	CHECK(p && n == i.size - 5000 && p[0] == (u8)(5000 * 7));
	CHECK(!erofs_data(img, &i, i.size, &n));
	CHECK(!erofs_read_inode(img, lookup(img, img->root_nid, "inline", 0), &i));
	p = erofs_data(img, &i, 0, &n);
	CHECK(p && n == EROFS_BLOCK && p[1] == 7);
	p = erofs_data(img, &i, EROFS_BLOCK + 10, &n);
	CHECK(p && n == 190 && p[0] == 'i');
	CHECK(!erofs_read_inode(img, lookup(img, img->root_nid, "link", 0), &i) && S_ISLNK(i.mode) &&
	      i.uid == 7);
	CHECK(i.mtime == 1700000000);
	p = erofs_data(img, &i, 0, &n);
	CHECK(p && n == sizeof inline_text - 1 && !memcmp(p, inline_text, n));
	CHECK(!erofs_read_inode(img, lookup(img, img->root_nid, "device", 0), &i) && i.rdev == 0x103 &&
	      !i.size);
	CHECK(lookup(img, img->root_nid, ".", 0) == NID_ROOT);
}

static void check_directory(const struct erofs_image *img)
{
	struct erofs_inode dir;
	struct erofs_name name;
	u64 pos = 0, nid = lookup(img, img->root_nid, "big", 0);
	char text[32];
	u32 count = 0;

	for (u32 i = 0; i < FILES; i++) {
		snprintf(text, sizeof text, "entry-%05u", i);
		CHECK(lookup(img, nid, text, 0) == NID_FILE);
	}
	lookup(img, nid, "entry-", -ENOENT);
	lookup(img, nid, "entry-000001", -ENOENT);
	lookup(img, nid, "zzz", -ENOENT);
	lookup(img, nid, "a", -ENOENT);
	CHECK(!erofs_read_inode(img, nid, &dir));
	while (erofs_next(img, &dir, &pos, &name) > 0) {
		snprintf(text, sizeof text, "entry-%05u", count++);
		CHECK(name.len == strlen(text) && !memcmp(name.name, text, name.len) &&
		      erofs_dt(name.type) == 8);
	}
	CHECK(count == FILES);
}

static volatile u64 sink;

static void touch(const struct erofs_image *img, const struct erofs_inode *i)
{
	u64 pos = 0, n;
	const u8 *p;

	while (pos < i->size && (p = erofs_data(img, i, pos, &n))) {
		CHECK(n);
		sink += p[0] + p[n - 1];
		pos += n;
	}
}

/* Reads all that is reachable, whatever the answers are. */
static void explore(const struct erofs_image *img, u64 nid, int depth)
{
	struct erofs_inode i;
	struct erofs_name name;
	u64 pos = 0, found;
	int entries = 0;

	if (erofs_read_inode(img, nid, &i))
		return;
	touch(img, &i);
	if (!S_ISDIR(i.mode))
		return;
	erofs_find(img, &i, "entry-00500", 11, &found);
	erofs_find(img, &i, "file", 4, &found);
	while (entries++ < 40 && erofs_next(img, &i, &pos, &name) > 0) {
		sink += (u64)name.name[0] + (u64)name.name[name.len - 1];
		if (depth)
			explore(img, name.nid, depth - 1);
	}
	pos = random_below(1u << 20);
	erofs_next(img, &i, &pos, &name);
}

static void mutate(u8 *image)
{
	/* The superblock, inodes and directories: data bytes steer nothing. */
	static const u32 places[] = { EROFS_SUPER_OFFSET, META_BLOCK * EROFS_BLOCK, BLOCK_ROOT * EROFS_BLOCK,
				      BLOCK_BIG * EROFS_BLOCK };
	static const u32 spans[] = { 128, 56 * 32, 200, EROFS_BLOCK };
	u32 changes = 1 + random_below(4);

	while (changes--) {
		u32 where = random_below(ARRAY_SIZE(places));

		image[places[where] + random_below(spans[where])] =
			(u8)(random_below(3) ? random_below(256) : 255);
	}
}

static void try_damaged(const u8 *good)
{
	u64 bytes = random_below(4) ? IMAGE_BYTES : random_below(IMAGE_BYTES + 1);
	u8 *copy = malloc(bytes ? bytes : 1), *scratch = malloc(IMAGE_BYTES);
	struct erofs_image img = { .base = copy, .bytes = bytes };

	memcpy(scratch, good, IMAGE_BYTES);
	mutate(scratch);
	memcpy(copy, scratch, bytes);
	if (!erofs_read_super(&img)) {
		CHECK(img.bytes <= bytes);
		explore(&img, img.root_nid, 2);
		explore(&img, random_below(1u << 16), 1);
	}
	free(scratch);
	free(copy);
}

int main(void)
{
	u8 *image = build();
	struct erofs_image img = { .base = image, .bytes = IMAGE_BYTES };

	CHECK(!erofs_read_super(&img) && img.root_nid == NID_ROOT);
	check_contents(&img);
	check_directory(&img);
	for (u32 i = 0; i < MUTATIONS; i++)
		try_damaged(image);
	free(image);
	puts("ok erofs");
	return 0;
}
