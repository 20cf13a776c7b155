/* Hash tables: chains of list nodes. */
#ifndef TENDER_TABLE_H
#define TENDER_TABLE_H

#include "base/base.h"

/* For some tens of thousands of entries: a chain has a few then. */
#define TABLE_CHAINS 4096

struct table {
	struct list_node chains[TABLE_CHAINS];
};

static inline void table_init(struct table *t)
{
	for (size_t i = 0; i < TABLE_CHAINS; i++)
		list_init(&t->chains[i]);
}

/* Keys are numbers given one after the other, or nearly so. */
static inline struct list_node *table_chain(struct table *t, uint64_t key)
{
	return &t->chains[key % TABLE_CHAINS];
}

#endif
