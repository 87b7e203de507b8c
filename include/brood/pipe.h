/**
 * @file
 * Pipes: messages between two ends, in one direction or both.
 *
 * An end is a handle like others: several processes may hold the same one, and it travels in
 * messages. When nobody holds an end any more, however that came, the other end gets what was sent,
 * and then BROOD_E_CLOSED. A message is received whole, an empty one too; a process may be killed
 * at any instant.
 */
#ifndef BROOD_PIPE_H
#define BROOD_PIPE_H

#include <brood/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a pipe.
 *
 * @param duplex  false: `a` only receives and `b` only sends. The wrong direction is
 * BROOD_E_INVALID.
 */
BROOD_CALL brood_pipe_create(bool duplex, brood_pipe **a, brood_pipe **b, brood_error **error);

/**
 * Send a copy of `size` bytes. Waits while 1 MiB is on its way already.
 *
 * @return BROOD_E_CLOSED when the other end is gone, or the pipe was shut down.
 */
BROOD_CALL brood_pipe_send(brood_pipe *pipe, const void *data, size_t size, uint8_t codec,
                           int64_t timeout_ms, brood_cancel *cancel, brood_error **error);
/** The same with a message and its handles. Consumes on success. */
BROOD_CALL brood_pipe_send_msg(brood_pipe *pipe, brood_msg *msg, int64_t timeout_ms,
                               brood_cancel *cancel, brood_error **error);

/** Receive the next message. BROOD_E_CLOSED when all was received and the other end is gone. */
BROOD_CALL brood_pipe_recv(brood_pipe *pipe, int64_t timeout_ms, brood_cancel *cancel,
                           brood_msg **out, brood_error **error);
/**
 * Receive the next message into `buffer`; its handles are given up.
 *
 * @param capacity   bytes that `buffer` has room for.
 * @param out_size   bytes of the message: also set with BROOD_E_TOO_BIG.
 * @param out_codec  may be NULL.
 * @return BROOD_E_TOO_BIG when it has too little room: the message stays.
 */
BROOD_CALL brood_pipe_recv_into(brood_pipe *pipe, void *buffer, size_t capacity, int64_t timeout_ms,
                                brood_cancel *cancel, size_t *out_size, uint8_t *out_codec,
                                brood_error **error);
/** Wait for a message and tell its size; it stays. */
BROOD_CALL brood_pipe_peek(brood_pipe *pipe, int64_t timeout_ms, brood_cancel *cancel,
                           size_t *out_size, brood_error **error);
/** Wait until brood_pipe_recv() has an answer: a message, or BROOD_E_CLOSED. */
BROOD_CALL brood_pipe_poll(brood_pipe *pipe, int64_t timeout_ms, brood_cancel *cancel,
                           brood_error **error);

/**
 * Give the other end a copy of a file descriptor; `fd` stays yours.
 *
 * It returns when brood_pipe_recv_fd() at the other end has the copy: none is ever on its way, to
 * be lost with a process that dies. So it waits for that call, and one thread alone cannot do both.
 * File descriptors have an order of their own beside the messages: to go with a message, send the
 * message first. Both processes must be in the same network namespace.
 *
 * @param timeout_ms  with 0 it succeeds if somebody is in brood_pipe_recv_fd(), and takes at most
 * 50 ms.
 * @return BROOD_E_INVALID when `fd` is not open, and at an end that only receives; BROOD_E_CLOSED,
 * BROOD_E_TIMEOUT, BROOD_E_CANCELED: nobody has got it.
 */
BROOD_CALL brood_pipe_send_fd(brood_pipe *pipe, int32_t fd, int64_t timeout_ms,
                              brood_cancel *cancel, brood_error **error);
/**
 * Receive the next file descriptor that somebody sends. It is yours to close, close-on-exec, and
 * never 0, 1 or 2.
 *
 * @param timeout_ms  with 0 it succeeds if somebody is in brood_pipe_send_fd(), and takes at most
 * 50 ms.
 * @return BROOD_E_CLOSED when the other end is gone, or the pipe was shut down; BROOD_E_OS when
 * this process can have no more: it stays with the sender.
 */
BROOD_CALL brood_pipe_recv_fd(brood_pipe *pipe, int64_t timeout_ms, brood_cancel *cancel,
                              int32_t *out_fd, brood_error **error);

/** End both directions for everyone: what was sent can be received. Wakes all who wait. */
BROOD_CALL brood_pipe_shutdown(brood_pipe *pipe, brood_error **error);
BROOD_API void brood_pipe_free(brood_pipe *pipe);

/** The common view, borrowed: ready while brood_pipe_recv() has an answer. */
BROOD_API brood_handle *brood_pipe_handle(brood_pipe *pipe);
/** Take an end out of a message that it was attached to. BROOD_E_INVALID if it is something else.
 */
BROOD_CALL brood_msg_take_pipe(brood_msg *msg, size_t index, brood_pipe **out, brood_error **error);

#ifdef __cplusplus
}
#endif
#endif
