/* What is left behind: read from outside the library, so that it needs no hook for tests. */
#ifndef TESTS_INSPECT_INSPECT_H
#define TESTS_INSPECT_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a test must leave as it found it. */
/* NOLINTNEXTLINE(modernize-use-using): C reads it too */
typedef struct left_behind {
  uint64_t arena_bytes; /* in use in the family's shared memory */
  int fds;              /* of this process */
  int threads;          /* of this process */
  int zombies;          /* children of this process that wait to be reaped */
  uint64_t shm_files;   /* a sum over brood's names in /dev/shm */
  uint64_t temp_files;  /* a sum over the names in $TMPDIR, which should be the test's own */
} left_behind;

/* Before brood_init() there is no shared memory: 0 bytes. */
left_behind look_around(void);
/* True when `now` holds nothing that `before` did not; otherwise `story` says what. */
bool nothing_left(const left_behind *before, const left_behind *now, char *story, int story_size);

#ifdef __cplusplus
}
#endif

#endif
