/* CALL(name) rows: system calls of the net area, included by sys/table.c. */
