/* What sockopt.c (system calls, options with an effect) and sockopt_table.c (kept values) share. */
#ifndef LIBOS_NET_SOCKOPT_H
#define LIBOS_NET_SOCKOPT_H

#include "sock.h"

/* 0, -ENOPROTOOPT for an option not in the table, -EINVAL for a value out of range, -ENOMEM. */
int sockopt_store(struct sock *s, int level, int name, int value);
int sockopt_load(const struct sock *s, int level, int name, int *value);

#endif
