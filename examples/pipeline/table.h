/* Counts by key: a hash table without pointers, so that it can lie in shared memory and be copied
 * as it is.
 */
#ifndef PIPELINE_TABLE_H
#define PIPELINE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { kMostKeyBytes = 56, kTableSlots = 1024 };

typedef struct table_entry {
  uint64_t count; /* 0: the slot is free */
  uint64_t key_bytes;
  char key[kMostKeyBytes];
} table_entry;

typedef struct table {
  uint64_t used;
  table_entry slots[kTableSlots];
} table;

/* False when the key is too long or the table too full. */
bool table_add(table *counts, const char *key, size_t key_bytes, uint64_t count);
uint64_t table_count(const table *counts, const char *key, size_t key_bytes);

#endif
