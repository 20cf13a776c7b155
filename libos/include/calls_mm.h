/* CALL(name) rows: system calls of the mm area, included by sys/table.c. */
