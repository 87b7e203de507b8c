#include "table.h"

#include <string.h>

/* The slot that has the key, or the free one where it belongs. */
static size_t find(const table *counts, const char *key, size_t key_bytes) {
  uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
  for (size_t i = 0; i < key_bytes; ++i) hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3u;
  size_t slot = hash % kTableSlots;
  for (;; slot = (slot + 1) % kTableSlots) {
    const table_entry *entry = &counts->slots[slot];
    if (entry->count == 0) return slot;
    if (entry->key_bytes == key_bytes && memcmp(entry->key, key, key_bytes) == 0) return slot;
  }
}

bool table_add(table *counts, const char *key, size_t key_bytes, uint64_t count) {
  if (key_bytes > kMostKeyBytes) return false;
  table_entry *entry = &counts->slots[find(counts, key, key_bytes)];
  if (entry->count == 0) {
    /* A free slot stays, so that every search ends. */
    if (counts->used == kTableSlots - 1) return false;
    ++counts->used;
    entry->key_bytes = key_bytes;
    memcpy(entry->key, key, key_bytes);
  }
  entry->count += count;
  return true;
}

uint64_t table_count(const table *counts, const char *key, size_t key_bytes) {
  return counts->slots[find(counts, key, key_bytes)].count;
}
