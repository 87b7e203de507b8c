/* What the host and the stages of the pipeline agree on.
 *
 *   read ──texts──> split (twice) ──keys──> count (twice) ──counts──> merge ──> totals
 *
 * Each stage runs in processes of its own, and any of them may be killed at any instant. Nothing is
 * lost, because a stage acknowledges its input only after its result was put; a kill between the
 * two makes the same result come twice. So every result carries the number of its piece of the log,
 * through all stages, and the last one merges each number once.
 */
#ifndef PIPELINE_STAGES_H
#define PIPELINE_STAGES_H

#include <brood/brood.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"

enum { kChunkBytes = 65536, kMostPathBytes = 4096 };

/* What every stage is told. */
typedef struct plan {
  uint64_t file_bytes;
  uint64_t copies; /* the log is read so many times, one after the other */
  uint64_t chunks; /* in all copies */
  uint64_t cut;    /* of so many hand-overs one is cut by a SIGKILL; 0: none */
  char path[kMostPathBytes];
} plan;

/* The handles that come with it. */
enum { kTexts, kKeys, kCounts, kCells, kTotals, kAllRead, kHandles };

/* Single numbers that change by one store: the commits of the two stages that have a state. */
enum {
  kRead,    /* chunks that the reader has put */
  kVersion, /* the copy of the totals that counts is number kVersion % 2 */
  kCellCount
};

/* In front of every message. */
typedef struct chunk_head {
  uint64_t number;
  uint64_t lines;
  uint64_t bytes;
} chunk_head;

/* What the last stage has merged. The shared array holds two of them: it writes the one that does
 * not count, then changes kVersion.
 */
typedef struct totals {
  uint64_t chunks;
  uint64_t lines;
  uint64_t bytes;
  uint64_t repeated; /* chunks that came once more after a kill, and were left out */
  table counts;
  uint64_t merged[]; /* one bit a chunk */
} totals;

static inline size_t totals_size(uint64_t chunks) {
  return sizeof(totals) + (size_t)((chunks + 63) / 64) * sizeof(uint64_t);
}
/* The copy that counts, or the other one. */
static inline totals *totals_copy(brood_shared *both, int64_t version) {
  return (totals *)((char *)brood_shared_data(both) +
                    (size_t)(version % 2) * brood_shared_element_size(both));
}

void register_stages(void);

/* Ends this process with the reason: the host ends with it what it had begun, and a stage that ends
 * so ends the host.
 */
static inline void must(brood_status status) {
  if (status == BROOD_OK) return;
  fprintf(stderr, "pipeline: %s\n", brood_error_message(brood_last_error()));
  exit(1);
}

#endif
