/**
 * @file
 * Waiting for any number of things, cancelling waits, and collecting what became ready.
 */
#ifndef BROOD_HANDLE_H
#define BROOD_HANDLE_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a token that ends waits. It lives in shared memory: any member of the family can hold it.
 */
BROOD_CALL brood_cancel_create(brood_cancel **out, brood_error **error);
/** End every wait that holds the token, now and until the reset. Async-signal-safe. NULL is fine.
 */
BROOD_API void brood_cancel_fire(brood_cancel *cancel);
BROOD_API void brood_cancel_reset(brood_cancel *cancel);
BROOD_API bool brood_cancel_fired(const brood_cancel *cancel);
BROOD_API void brood_cancel_free(brood_cancel *cancel);

/** The common view, borrowed from the object: valid until its `_free`. NULL for NULL. */
BROOD_API brood_handle *brood_cancel_handle(brood_cancel *cancel);
BROOD_API brood_handle *brood_future_handle(brood_future *future);
BROOD_API brood_handle *brood_stream_handle(brood_stream *stream);
BROOD_API brood_handle *brood_process_handle(brood_process *process);
BROOD_API brood_handle *brood_completions_handle(brood_completions *completions);

/**
 * Wait until one of `count` handles is ready: a future is done, a process has ended, a stream or a
 * completion queue has something to give, a token is fired, an event is set, a lock can be
 * acquired, a semaphore has a permit. Nothing is taken by it: acquire then, with others as your
 * rivals.
 *
 * @param out_index  the lowest index that is ready.
 * @return BROOD_E_TIMEOUT, BROOD_E_CANCELED, BROOD_E_INVALID for count 0 or a NULL handle,
 *         BROOD_E_UNSUPPORTED for one that is never ready.
 */
BROOD_CALL brood_wait(brood_handle *const *handles, size_t count, int64_t timeout_ms,
                      brood_cancel *cancel, size_t *out_index, brood_error **error);

/**
 * An fd for an event loop of your own: poll(2), epoll or libuv say that it can be read once
 * `handle` is ready.
 *
 * It stays readable until the next call with the same handle, which arms it again: call it before
 * each wait, and then try the object before you wait. Never read from it, write to it or close it.
 *
 * @param out  borrowed: the same fd each time, valid as long as the handle.
 * @return BROOD_E_UNSUPPORTED for a handle that is never ready.
 */
BROOD_CALL brood_handle_fd(brood_handle *handle, int32_t *out, brood_error **error);

/** Make a queue that tells which of many handles became ready, in that order. */
BROOD_CALL brood_completions_create(brood_completions **out, brood_error **error);
/**
 * Deliver `tag` once when `handle` becomes ready; at once if it already is.
 *
 * The queue holds a reference of its own: the handle's object may be freed before it is delivered.
 *
 * @return BROOD_E_UNSUPPORTED for a handle that is never ready.
 */
BROOD_CALL brood_completions_add(brood_completions *completions, brood_handle *handle, uint64_t tag,
                                 brood_error **error);
/** The tag of the next ready handle. BROOD_E_CLOSED when nothing is registered any more. */
BROOD_CALL brood_completions_next(brood_completions *completions, int64_t timeout_ms,
                                  brood_cancel *cancel, uint64_t *out_tag, brood_error **error);
BROOD_API void brood_completions_free(brood_completions *completions);

#ifdef __cplusplus
}
#endif
#endif
