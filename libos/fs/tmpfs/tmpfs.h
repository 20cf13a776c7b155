/* tmpfs: files in the UC's own memory. */
#ifndef LIBOS_FS_TMPFS_TMPFS_H
#define LIBOS_FS_TMPFS_TMPFS_H

#include "vfs/fs.h"

/* Consecutive pages of a file, consecutive in memory too. */
struct tmpfs_run {
	u64 page;  /* in the file */
	u64 pages;
	u8 *mem;
	bool mapped; /* the guest maps it shared: it stays where it is until the inode goes */
};

/* tmpfs_data.c: the bytes of a file; what lies in no run is a hole. Bytes past the file's size are zero. */
struct tmpfs_data {
	struct tmpfs_run *runs; /* sorted */
	u32 count, capacity;
	u64 pages;
};

/* Memory of a page and how many follow in a row; NULL for a hole, *pages until its end. */
u8 *data_at(const struct tmpfs_data *d, u64 page, u64 *pages);
/* Memory for a page to be written, up to want pages in a row; -ENOSPC or -ENOMEM. */
int data_reserve(struct tmpfs_data *d, u64 page, u64 want, u8 **mem, u64 *pages);
/* One run for all of page..page+pages, which then stays in place. */
int data_map(struct tmpfs_data *d, u64 page, u64 pages, u8 **mem);
/* Zeroes bytes from..to, giving back runs that lie within. */
void data_discard(struct tmpfs_data *d, u64 from, u64 to);
void data_free(struct tmpfs_data *d);

struct tmpfs_entry {
	struct list_node order; /* by cookie */
	struct tmpfs_entry *hash_next;
	struct inode *inode; /* counted */
	u64 cookie;
	u32 hash, len;
	char name[];
};

/* tmpfs_dir.c */
struct tmpfs_dir {
	struct list_node entries;
	struct tmpfs_entry **buckets;
	u32 bucket_count, count;
	u64 next_cookie;
};

struct tmpfs_node {
	struct tmpfs_data data;  /* S_IFREG */
	struct tmpfs_dir dir;    /* S_IFDIR */
	char *target;            /* S_IFLNK */
	u32 seals;               /* F_SEAL_… */
};

static inline struct tmpfs_node *node_of(const struct inode *i)
{
	return i->priv;
}

extern const struct inode_ops tmpfs_dir_inode_ops, tmpfs_file_inode_ops, tmpfs_other_inode_ops;
extern const struct file_ops tmpfs_file_ops;

/* An inode with no name yet: nlink 1, of the guest; NULL: no memory, or too many of them. */
struct inode *tmpfs_inode(struct superblock *sb, u32 mode, u64 rdev);
void tmpfs_node_free(struct inode *i); /* the last step of a release */
int tmpfs_setattr(struct inode *i);
/* Page budget of all tmpfs of the UC. */
bool tmpfs_charge(u64 pages);
void tmpfs_uncharge(u64 pages);
u64 tmpfs_free_pages(void);
void tmpfs_dir_init(struct tmpfs_dir *dir);
void tmpfs_dir_free(struct tmpfs_dir *dir);

#endif
