/* Memory files that never change again. */
#ifndef TENDER_SEALED_H
#define TENDER_SEALED_H

/* An empty memory file to be filled; its descriptor or -errno. */
int sealed_create(const char *name);
/*
 * Seals it against every change but through what has it mapped writable already; fd, or -errno and fd is
 * closed.
 */
int sealed_finish(int fd);

#endif
