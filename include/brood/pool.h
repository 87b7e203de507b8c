/**
 * @file
 * Pools: worker processes that run named functions.
 *
 * A worker that dies takes with it the task it was running, and only that: its future fails with
 * BROOD_E_WORKER_LOST, tasks that waited behind it go to other workers, and a new worker starts.
 */
#ifndef BROOD_POOL_H
#define BROOD_POOL_H

#include <brood/message.h>
#include <brood/process.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `retries` of a task that must not be run again although its pool retries. */
#define BROOD_NO_RETRIES (-1)

typedef struct brood_pool_options {
  size_t struct_size;
  uint32_t workers;              /* 0: brood_cpu_count() */
  uint32_t max_tasks_per_worker; /* then a fresh worker replaces it; 0: never */
  uint64_t max_pending;          /* tasks submitted and not done, then submit waits; 0: unbounded */
  int32_t retries;               /* how often a task whose worker died is run again */
  const char *name;              /* for people; NULL: "pool" */
  const char *initializer;       /* a registered function, run once in each new worker */
  const void *initializer_data;  /* its argument */
  size_t initializer_size;
  brood_msg *initializer_msg; /* its argument instead, with codec and handles; stays yours */
  const char *finalizer;      /* a registered function, run when a worker ends in good order */
  const char *const *command; /* the workers' program; NULL: this one again */
  const char *const *env;     /* "NAME=value" added, NULL-terminated */
  const char *cwd;
  brood_limits limits;
} brood_pool_options;
#define BROOD_POOL_OPTIONS_INIT                                                                \
  {                                                                                            \
    sizeof(brood_pool_options), 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, \
        BROOD_LIMITS_INIT                                                                      \
  }

/** Make a pool and start its workers; does not wait for them. */
BROOD_CALL brood_pool_create(const brood_pool_options *options, brood_pool **out,
                             brood_error **error);

typedef struct brood_submit_options {
  size_t struct_size;
  int64_t run_limit_ms; /* how long the task may run, then its worker is killed; 0: no limit */
  int32_t retries;      /* 0: as the pool says; BROOD_NO_RETRIES */
  uint8_t codec;        /* of the argument */
  int64_t wait_ms;      /* how long to wait for room in a full pool; 0: not at all */
  brood_cancel *cancel; /* ends that wait */
} brood_submit_options;
#define BROOD_SUBMIT_OPTIONS_INIT \
  { sizeof(brood_submit_options), 0, 0, 0, 0, NULL }

/**
 * Have a worker run `function` on a copy of `size` bytes.
 *
 * @param out  a future you own.
 * @return BROOD_E_TIMEOUT if the pool stayed full, BROOD_E_CLOSED after brood_pool_shutdown(),
 *         BROOD_E_INIT_FAILED or BROOD_E_BROKEN if the pool cannot keep workers alive.
 */
BROOD_CALL brood_pool_submit(brood_pool *pool, const char *function, const void *data, size_t size,
                             const brood_submit_options *options, brood_future **out,
                             brood_error **error);
/** The same with a message, whose own codec counts and whose attached handles travel along.
 * Consumes on success. */
BROOD_CALL brood_pool_submit_msg(brood_pool *pool, const char *function, brood_msg *args,
                                 const brood_submit_options *options, brood_future **out,
                                 brood_error **error);

/** Submit, wait, and give the result: Python's apply. On timeout or cancel the task is cancelled.
 */
BROOD_CALL brood_pool_call(brood_pool *pool, const char *function, const void *data, size_t size,
                           const brood_submit_options *options, int64_t timeout_ms,
                           brood_cancel *cancel, brood_msg **out, brood_error **error);

/**
 * Wait for the task and take its result.
 *
 * @param out  you own it. A second call is BROOD_E_STATE.
 * @return BROOD_E_TIMEOUT (ask again), BROOD_E_CANCELED, BROOD_E_REMOTE with kind, message and
 *         traceback, BROOD_E_WORKER_LOST with pid and exit code or signal, BROOD_E_TASK_TIMEOUT.
 */
BROOD_CALL brood_future_result(brood_future *future, int64_t timeout_ms, brood_cancel *cancel,
                               brood_msg **out, brood_error **error);
/** Wait until the task is done, however it ended, and leave the result in place. */
BROOD_CALL brood_future_wait(brood_future *future, int64_t timeout_ms, brood_cancel *cancel,
                             brood_error **error);
BROOD_API bool brood_future_done(const brood_future *future);
/**
 * Give up a task: queued, it is dropped; running, its worker is killed. BROOD_E_STATE once it is
 * done.
 */
BROOD_CALL brood_future_cancel(brood_future *future, brood_error **error);
#ifndef SWIG
/**
 * Call `done` once when the task is done; at once if it is.
 *
 * @note thread: `done` runs on whichever thread finishes the task; it must not wait. It may take
 * the result with a timeout of 0. It must not free the future.
 */
BROOD_CALL brood_future_then(brood_future *future,
                             void (*done)(brood_future *future, void *context), void *context,
                             brood_error **error);
#endif
/** Forget the future; the task runs on. A failure that nobody saw is reported by brood_pool_join().
 */
BROOD_API void brood_future_free(brood_future *future);

/** What a map or stream does when a task fails. */
enum {
  BROOD_ON_ERROR_FIRST = 0,  /* the first failure is returned, the rest is cancelled */
  BROOD_ON_ERROR_COLLECT = 1 /* each failure is returned for its item, the rest goes on */
};

typedef struct brood_stream_options {
  size_t struct_size;
  uint64_t window;  /* streams: most inputs ahead of the results taken; 0: 4 per worker, >= 64 */
  uint32_t chunk;   /* maps: items sent together; 0: chosen by their number */
  bool unordered;   /* results as they come, not in the order of the inputs */
  int32_t on_error; /* BROOD_ON_ERROR_ */
  int64_t run_limit_ms; /* of each item */
  int32_t retries;      /* 0: as the pool says; BROOD_NO_RETRIES */
  uint8_t codec;        /* of the inputs */
} brood_stream_options;
#define BROOD_STREAM_OPTIONS_INIT \
  { sizeof(brood_stream_options), 0, 0, false, 0, 0, 0, 0 }

/**
 * Run `function` on each of `count` items: Python's map, imap and imap_unordered over a list.
 *
 * The items are copied; max_pending does not hold a map back. Take the results with
 * brood_stream_next().
 */
BROOD_CALL brood_pool_map(brood_pool *pool, const char *function, const brood_bytes *items,
                          size_t count, const brood_stream_options *options, brood_stream **out,
                          brood_error **error);

/** Run `function` on inputs that are pushed one by one, without end if need be, in bounded memory.
 */
BROOD_CALL brood_stream_create(brood_pool *pool, const char *function,
                               const brood_stream_options *options, brood_stream **out,
                               brood_error **error);
/**
 * Push an input, waiting while the window is full.
 *
 * @return BROOD_E_TIMEOUT while the window stays full: take results; BROOD_E_CLOSED after
 *         brood_stream_finish() or a failure that ended the stream.
 */
BROOD_CALL brood_stream_push(brood_stream *stream, const void *data, size_t size,
                             int64_t timeout_ms, brood_cancel *cancel, brood_error **error);
/** No more inputs. Idempotent. */
BROOD_CALL brood_stream_finish(brood_stream *stream, brood_error **error);
/**
 * Take the next result.
 *
 * @param out_index  the number of its input, from 0; set for an item's failure too. May be NULL.
 * @return BROOD_E_CLOSED after the last; BROOD_E_TIMEOUT; BROOD_E_CANCELED by the token; an item's
 *         failure as in brood_future_result().
 */
BROOD_CALL brood_stream_next(brood_stream *stream, int64_t timeout_ms, brood_cancel *cancel,
                             uint64_t *out_index, brood_msg **out, brood_error **error);
/**
 * Take the results that are there, waiting for the first: fewer calls where tasks are short.
 *
 * A failure is returned as brood_stream_next() would, by a call of its own: `out_indexes[0]` is its
 * input's number then.
 *
 * @param capacity     how many fit into the arrays; at least 1. A call takes at most 256.
 * @param out_indexes  the numbers of their inputs; may be NULL.
 * @param out          the results; free them with brood_msg_free() or brood_msg_free_many().
 */
BROOD_CALL brood_stream_next_many(brood_stream *stream, size_t capacity, int64_t timeout_ms,
                                  brood_cancel *cancel, uint64_t *out_indexes, brood_msg **out,
                                  size_t *out_count, brood_error **error);
/** Forget the stream and cancel what is left of it. */
BROOD_API void brood_stream_free(brood_stream *stream);

/** Accept no more tasks; what was submitted is finished, then the workers end. */
BROOD_CALL brood_pool_shutdown(brood_pool *pool, brood_error **error);
/** Cancel everything and kill the workers; does not wait. */
BROOD_CALL brood_pool_terminate(brood_pool *pool, brood_error **error);
/**
 * Wait until the last worker has ended, after a shutdown or terminate, else BROOD_E_STATE.
 *
 * @return the first failure of a task whose future was freed unread, once.
 */
BROOD_CALL brood_pool_join(brood_pool *pool, int64_t timeout_ms, brood_cancel *cancel,
                           brood_error **error);
/** Give the handle back. The last one, with no shutdown before, terminates the pool. */
BROOD_API void brood_pool_free(brood_pool *pool);

typedef struct brood_pool_stats {
  size_t struct_size;
  uint32_t workers; /* alive and ready */
  uint32_t idle;    /* of these, without a task */
  uint32_t starting;
  uint64_t pending; /* submitted and not done */
  uint64_t done;    /* with a result */
  uint64_t failed;  /* with BROOD_E_REMOTE or another error */
  uint64_t canceled;
  uint64_t lost;            /* runs that ended with their worker */
  uint64_t timed_out;       /* runs that passed their limit */
  uint64_t retried;         /* runs begun again */
  uint64_t moved;           /* unstarted tasks taken back from one worker for another */
  uint64_t workers_started; /* since the pool was made */
} brood_pool_stats;
#define BROOD_POOL_STATS_INIT \
  { sizeof(brood_pool_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
BROOD_CALL brood_pool_get_stats(brood_pool *pool, brood_pool_stats *out, brood_error **error);

enum {
  BROOD_WORKER_STARTING = 1,
  BROOD_WORKER_IDLE = 2,
  BROOD_WORKER_BUSY = 3,
  BROOD_WORKER_ENDING = 4
};

typedef struct brood_worker_info {
  int32_t id;     /* its number in the pool */
  int32_t state;  /* BROOD_WORKER_ */
  int64_t pid;    /* 0 while it is being started */
  uint64_t tasks; /* results it gave */
} brood_worker_info;
/** Fill at most `capacity` entries; `out_count` is how many workers there are. */
BROOD_CALL brood_pool_workers(brood_pool *pool, brood_worker_info *array, size_t capacity,
                              size_t *out_count, brood_error **error);

#ifdef __cplusplus
}
#endif
#endif
