/* CALL(name) rows: system calls of the fs area, included by sys/table.c. */
