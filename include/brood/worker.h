/**
 * @file
 * The worker's side: naming functions, and answering tasks.
 */
#ifndef BROOD_WORKER_H
#define BROOD_WORKER_H

#include <brood/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A task function. It answers with brood_task_reply() or brood_task_fail(); neither means an empty
 * reply. A C++ exception that leaves it fails the task with the exception's class and text.
 */
typedef void (*brood_function)(brood_task *task, void *context);

/**
 * Give a function a name, before brood_init(): names travel between processes, addresses do not.
 *
 * @param name  1 to 255 bytes of UTF-8. Copied.
 * @return BROOD_E_INVALID for a bad name, BROOD_E_STATE if the name is taken or brood_init() was
 * called.
 */
BROOD_CALL brood_register(const char *name, brood_function function, void *context,
                          brood_error **error);

/**
 * Fetch this worker's next task, with `manual_worker`: what bindings use instead of callbacks, so
 * that no foreign thread enters a language runtime.
 *
 * @param out  a task you own: answer it, then brood_task_free() it. Freed unanswered it is an empty
 *             reply.
 * @return BROOD_E_TIMEOUT; BROOD_E_CLOSED when it is time to exit; BROOD_E_STATE outside a worker.
 * @note thread: one caller at a time; answering may happen on any thread, in any order.
 */
BROOD_CALL brood_worker_next(int64_t timeout_ms, brood_cancel *cancel, brood_task **out,
                             brood_error **error);

/** The function's name, borrowed from the task. */
BROOD_API const char *brood_task_function(const brood_task *task);
/** The argument, borrowed until the task is answered. Its bytes may lie in shared memory: read
 * only. */
BROOD_API brood_msg *brood_task_args(brood_task *task);

/** Answer with a copy of `size` bytes. Each task is answered once: a second answer is
 * BROOD_E_STATE. */
BROOD_CALL brood_task_reply(brood_task *task, const void *data, size_t size, uint8_t codec,
                            brood_error **error);
/** Room for a big answer, written in place: fill brood_msg_data(), then brood_task_reply_msg(). */
BROOD_CALL brood_task_loan(brood_task *task, size_t size, uint8_t codec, brood_msg **out,
                           brood_error **error);
/** Answer with a message, without a copy if it was loaned. Consumes on success. */
BROOD_CALL brood_task_reply_msg(brood_task *task, brood_msg *msg, brood_error **error);
/**
 * Answer with a failure: the caller gets BROOD_E_REMOTE.
 *
 * @param kind       the error's class in its own language; NULL is "".
 * @param message    what went wrong; NULL is "".
 * @param traceback  the stack as text; NULL is "".
 */
BROOD_CALL brood_task_fail(brood_task *task, const char *kind, const char *message,
                           const char *traceback, brood_error **error);
BROOD_API void brood_task_free(brood_task *task);

/** This worker's number in its pool, from 0; -1 outside a pool's worker. */
BROOD_API int32_t brood_worker_id(void);

#ifdef __cplusplus
}
#endif
#endif
