/* A file as the kernel names it in a process's memory map. */
#ifndef TENDER_FILE_ID_H
#define TENDER_FILE_ID_H

#include <stdbool.h>
#include <stdint.h>

struct file_id {
	uint32_t major, minor;
	uint64_t ino;
};

static inline bool file_id_equal(const struct file_id *a, const struct file_id *b)
{
	return a->ino == b->ino && a->major == b->major && a->minor == b->minor;
}

#endif
