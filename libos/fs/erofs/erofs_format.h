/*
 * The on-disk structures of EROFS (Linux, Documentation/filesystems/erofs.rst), little endian,
 * and the reader of a mapped image. The image is hostile input: each function checks bounds.
 */
#ifndef LIBOS_FS_EROFS_EROFS_FORMAT_H
#define LIBOS_FS_EROFS_EROFS_FORMAT_H

#include "include/types.h"

#define EROFS_BLOCK 4096ul
#define EROFS_SUPER_OFFSET 1024ul
#define EROFS_MAGIC 0xe0f5e1e2u
#define EROFS_BLOCK_BITS 12
#define EROFS_SLOT 32ul /* node ids count these from the metadata's start */
#define EROFS_NAME_MAX 255u

struct erofs_super {
	u32 magic, checksum, feature_compat;
	u8 block_bits, extra_slots;
	u16 root_nid;
	u64 inodes, build_time;
	u32 build_time_ns, blocks, meta_block, xattr_block;
	u8 uuid[16], volume_name[16];
	u32 feature_incompat;
	u16 compression;
	u16 extra_devices, device_slot;
	u8 dir_block_bits;
	u8 reserved[37];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_super) == 128, "erofs superblock is 128 bytes");

/* Needed from a reader that maps plain images: none but the padding of LZ4, which says nothing here. */
#define EROFS_INCOMPAT_KNOWN 0x1u

/* i_format: bit 0 the version, then the layout. */
#define EROFS_FORMAT_EXTENDED 1u
#define EROFS_LAYOUT(format) (((format) >> 1) & 7u)
#define EROFS_LAYOUT_PLAIN 0u
#define EROFS_LAYOUT_INLINE 2u

struct erofs_compact {
	u16 format, xattr_count, mode, nlink;
	u32 size, reserved;
	u32 block; /* or rdev */
	u32 ino;
	u16 uid, gid;
	u32 reserved2;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_compact) == 32, "compact inode is 32 bytes");

struct erofs_extended {
	u16 format, xattr_count, mode, reserved;
	u64 size;
	u32 block; /* or rdev */
	u32 ino, uid, gid;
	u64 mtime;
	u32 mtime_ns, nlink;
	u8 reserved2[16];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_extended) == 64, "extended inode is 64 bytes");

struct erofs_dirent {
	u64 nid;
	u16 name_offset;
	u8 type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "directory entry is 12 bytes");

/* A mapped image. */
struct erofs_image {
	const u8 *base;
	u64 bytes;
	u64 meta; /* byte offset of node id 0 */
	u64 root_nid;
	s64 time;
	u32 time_ns;
};

/* An inode as read, with its data placed: body bytes at data, then tail bytes at tail. */
struct erofs_inode {
	u64 nid, size;
	u32 mode, nlink, uid, gid, rdev, ino;
	s64 mtime;
	u32 mtime_ns;
	u64 data;       /* byte offset in the image, a multiple of the block size */
	u64 body_bytes; /* in whole blocks from data, but for the last block of a plain file */
	u64 tail;       /* byte offset of the rest, behind the inode */
};

struct erofs_name {
	u64 nid;
	const char *name; /* in the image, not NUL-ended */
	u32 len;
	u32 type; /* EROFS_FT_…, equal to DT_… after erofs_dt */
};

/* 0 or -EINVAL. img->base and bytes are set by the caller. */
int erofs_read_super(struct erofs_image *img);
/* 0, or -EIO for an inode that is none or lies in a layout not known. */
int erofs_read_inode(const struct erofs_image *img, u64 nid, struct erofs_inode *out);
/* Bytes at pos of the file that lie in a row in the image: their address and number; NULL past the end. */
const u8 *erofs_data(const struct erofs_image *img, const struct erofs_inode *i, u64 pos, u64 *bytes);
/* 0, -ENOENT, or -EIO for a directory that is malformed where it was looked at. */
int erofs_find(const struct erofs_image *img, const struct erofs_inode *dir, const char *name, u64 len,
	       u64 *nid);
/* The entry at cursor *pos, which is moved on: 1, 0 at the end, or -EIO. */
int erofs_next(const struct erofs_image *img, const struct erofs_inode *dir, u64 *pos,
	       struct erofs_name *out);
u32 erofs_dt(u32 type);

#endif
