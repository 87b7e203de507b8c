/**
 * @file
 * The rules every brood function keeps. They are stated once, here.
 *
 * Failure: a function that can fail returns `brood_status` and nothing else: BROOD_OK is 0, failure
 * is negative. Results leave through trailing `out` parameters, which are left untouched on
 * failure. The last parameter, `brood_error **error`, may be NULL; otherwise it receives the full
 * story on failure, owned by the caller (brood_error_free), in the same call. The story is also in
 * brood_last_error(), on the calling thread.
 *
 * Handles: opaque, one owner each. `_create` makes; `_free` gives the handle back: it accepts NULL,
 * never fails and never waits, on any thread. `_shutdown` ends the thing for everyone.
 *
 * Bytes: `const void *data, size_t size` going in is borrowed for the call and copied; NULL with 0
 * is an empty message. What comes out is a `brood_msg` you own. Where a call takes ownership it
 * says "consumes on success": on failure it is still yours.
 *
 * Time: `timeout_ms` is how long this call may wait, in milliseconds on the monotonic clock: 0
 * tries once, BROOD_FOREVER waits, other negative values are BROOD_E_INVALID. Running out is
 * BROOD_E_TIMEOUT. There are no try_ or timed_ twins.
 *
 * Cancel: every call that waits takes a `brood_cancel` token; NULL means none. A fired token ends
 * the wait at once with BROOD_E_CANCELED, and nothing is lost.
 *
 * Threads: any call on any handle from any thread; `_free` is the last call on a handle. Exceptions
 * carry `@note thread:`.
 *
 * Fork: in a child that the program forked itself, calls on handles made before return
 * BROOD_E_FORKED and `_free` does nothing.
 *
 * Options: structs begin with `size_t struct_size`; zero is the default of every field. Start from
 * X_OPTIONS_INIT or pass NULL for all defaults. A longer struct from a newer header is accepted if
 * its unknown tail is zero, else BROOD_E_UNSUPPORTED.
 *
 * brood never ends the program that called it, never prints to its streams, and never changes its
 * signal handlers, working directory, umask or locale.
 */
#ifndef BROOD_BASE_H
#define BROOD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef BROOD_API
#if defined(__GNUC__) && !defined(SWIG)
#define BROOD_API __attribute__((visibility("default")))
#else
#define BROOD_API
#endif
#endif

#if defined(__cplusplus) && !defined(SWIG)
#define BROOD_MUST_CHECK [[nodiscard]]
#elif defined(__GNUC__) && !defined(SWIG)
#define BROOD_MUST_CHECK __attribute__((warn_unused_result))
#else
#define BROOD_MUST_CHECK
#endif

/** What a fallible function returns: BROOD_OK or a negative BROOD_E_ code. */
#define BROOD_CALL BROOD_MUST_CHECK BROOD_API brood_status

/** The `timeout_ms` of a call that waits as long as it takes. */
#define BROOD_FOREVER (-1)

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brood_error brood_error;             /* what went wrong, in full */
typedef struct brood_handle brood_handle;           /* the common view of what can be waited for */
typedef struct brood_cancel brood_cancel;           /* a token that ends waits */
typedef struct brood_msg brood_msg;                 /* bytes, their codec, attached handles */
typedef struct brood_task brood_task;               /* one call, as the worker sees it */
typedef struct brood_process brood_process;         /* a child process */
typedef struct brood_pool brood_pool;               /* worker processes that run tasks */
typedef struct brood_future brood_future;           /* the outcome of one task */
typedef struct brood_stream brood_stream;           /* the outcomes of many tasks */
typedef struct brood_completions brood_completions; /* what became ready, in that order */
typedef struct brood_queue brood_queue;             /* messages from many processes to many */
typedef struct brood_lease brood_lease;             /* a message that comes back if it is dropped */
typedef struct brood_pipe brood_pipe;               /* one end of a pipe for messages */
typedef struct brood_publication brood_publication; /* a name that other programs find */
typedef struct brood_lock brood_lock;               /* one holder at a time */
typedef struct brood_semaphore brood_semaphore;     /* a number of permits */
typedef struct brood_condition brood_condition;     /* waiting for a signal, without a lock */
typedef struct brood_event brood_event;             /* a flag to wait for */
typedef struct brood_barrier brood_barrier;         /* parties that wait for each other */
typedef struct brood_rwlock brood_rwlock;           /* many readers or one writer */
typedef struct brood_shared brood_shared;           /* a value or an array in shared memory */

/** Borrowed bytes: an element of an array passed to brood_pool_map(). */
typedef struct brood_bytes {
  const void *data;
  size_t size;
} brood_bytes;

/** The version of the library that is running: "0.1.0". Borrowed, static. */
BROOD_API const char *brood_version(void);

#ifdef __cplusplus
}
#endif
#endif
