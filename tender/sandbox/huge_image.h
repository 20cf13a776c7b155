/* Copies of images in memory that the host backs with huge pages. */
#ifndef TENDER_HUGE_IMAGE_H
#define TENDER_HUGE_IMAGE_H

/*
 * A file system in memory that allocates huge pages, reachable by its descriptor alone (fsmount(2)).
 * -1 where the host does not grant one: images are then mapped from their files.
 */
int huge_fs_open(void);
/* In the place of its result, before anybody has asked for it. */
#define HUGE_FS_UNKNOWN (-2)
/*
 * A read-only descriptor of a copy of `file` on fs, made once for all tenders that ask; those of a node share
 * one such file system. Program text mapped from it takes one page-table entry for 2 MiB. -errno on failure.
 */
int huge_image_copy(int fs, int file);

#endif
