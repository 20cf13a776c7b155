/*
 * What is around a tender: namespaces where the host grants them, and a process outside that waits for its
 * end.
 */
#ifndef TENDER_LAUNCHER_H
#define TENDER_LAUNCHER_H

#include "node/launch.h"

/* Starts the tender and stays until it ends. */
void launch(struct launch *l) __attribute__((noreturn));

#endif
