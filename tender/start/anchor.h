/*
 * fork(2) copies the page table of a mapping of a file only if a page of it is private. With one that is, an
 * anchor, the pages that a template has read are there in each of its embryos, which would else fault for
 * them, and for the 15 around each.
 */
#ifndef TENDER_ANCHOR_H
#define TENDER_ANCHOR_H

#include <sys/types.h>

/*
 * Makes one page private in each mapping of a template that has pages of a file, and none of its own, by
 * writing to it what it holds. Within an operation, which the template has to outlive. The template must not
 * have run any byte of a guest. What fails only costs time later.
 */
void anchor_mappings(pid_t template);

#endif
