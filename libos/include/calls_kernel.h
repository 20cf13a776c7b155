/* CALL(name) rows: system calls of the kernel area, included by sys/table.c. */
