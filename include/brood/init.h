/**
 * @file
 * The guard in main, and what the machine offers.
 */
#ifndef BROOD_INIT_H
#define BROOD_INIT_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brood_init_options {
  size_t struct_size;
  /** Bytes of address space of the shared arena; 0: the larger of 64 GiB and 16 times the RAM. It
   *  takes memory only as it is used. At least 16 MiB. Ignored in a worker, which shares its
   * host's. */
  uint64_t arena_bytes;
  /** In a worker brood_init() returns too; the program then runs brood_worker_next() itself. Tell
   *  the cases apart with brood_is_worker(). */
  bool manual_worker;
} brood_init_options;
#define BROOD_INIT_OPTIONS_INIT \
  { sizeof(brood_init_options), 0, false }

/**
 * Start brood; in a worker, become the worker.
 *
 * Call it first in main(), after brood_register() and before anything with side effects. In the
 * program that the user started it returns BROOD_OK. In a process that brood started it serves
 * tasks and then exits without returning: the `if __name__ == "__main__"` of C.
 *
 * @param argc,argv  the command line given to workers that run this same program; read, never
 * edited. 0 and NULL ask the platform.
 * @return BROOD_E_STATE if called twice, BROOD_E_PROTOCOL in a worker whose parent speaks another
 *         version or whose hand-off is damaged, BROOD_E_UNSUPPORTED beyond ten levels of workers.
 */
BROOD_CALL brood_init(int argc, char *const *argv, const brood_init_options *options,
                      brood_error **error);

/**
 * Join the children that are not daemons, end those that are, and stop brood in this process.
 *
 * Runs by itself at the program's normal exit. Idempotent. Handles that are still held answer
 * BROOD_E_CLOSED from now on and must still be freed.
 */
BROOD_API void brood_shutdown(void);

/** True in a process that a pool or brood_process_start() started. */
BROOD_API bool brood_is_worker(void);

/** CPUs that this process may use: its affinity, cut by the cgroup's quota; at least 1. */
BROOD_API uint32_t brood_cpu_count(void);

#ifdef __cplusplus
}
#endif
#endif
