/**
 * @file
 * Queues: any number of processes put messages in, any number take them out.
 *
 * A queue lives in the family's shared memory and goes with its last holder, whatever is still in
 * it. Its handle travels in messages: in a task's arguments, in another queue. A process may be
 * killed at any instant: the others go on, and a message is in the queue entirely or not at all.
 * Messages of one process come out in the order in which it put them.
 */
#ifndef BROOD_QUEUE_H
#define BROOD_QUEUE_H

#include <brood/message.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brood_queue_options {
  size_t struct_size;
  uint64_t capacity_items; /* a put waits while so many are in it; 0: no limit */
  uint64_t capacity_bytes; /* the same for the bytes of all messages in it */
  bool joinable;           /* counts what is finished, for brood_queue_join() */
} brood_queue_options;
#define BROOD_QUEUE_OPTIONS_INIT \
  { sizeof(brood_queue_options), 0, 0, false }

/** Make a queue. NULL options: unbounded, as large as memory allows. */
BROOD_CALL brood_queue_create(const brood_queue_options *options, brood_queue **out,
                              brood_error **error);

/**
 * Put a copy of `size` bytes in. What was put is there even if this process ends at once.
 *
 * @param timeout_ms  how long to wait for room in a bounded queue.
 * @return BROOD_E_CLOSED after brood_queue_shutdown(), BROOD_E_TOO_BIG for more than
 * capacity_bytes, BROOD_E_NO_MEMORY.
 */
BROOD_CALL brood_queue_put(brood_queue *queue, const void *data, size_t size, uint8_t codec,
                           int64_t timeout_ms, brood_cancel *cancel, brood_error **error);
/** The same with a message and its handles; without a copy if it was loaned. Consumes on success.
 */
BROOD_CALL brood_queue_put_msg(brood_queue *queue, brood_msg *msg, int64_t timeout_ms,
                               brood_cancel *cancel, brood_error **error);
/**
 * Put the first of `count` messages in, and with it as many more as there is room for at that
 * instant: all of them if the queue has no limit. They are seen together, and cost less than one by
 * one.
 *
 * @param out_count  how many were put: at least one.
 */
BROOD_CALL brood_queue_put_many(brood_queue *queue, const brood_bytes *items, size_t count,
                                uint8_t codec, int64_t timeout_ms, brood_cancel *cancel,
                                size_t *out_count, brood_error **error);
/** Room for a message, to be written in place: fill brood_msg_data(), then brood_queue_put_msg().
 */
BROOD_CALL brood_queue_loan(brood_queue *queue, size_t size, uint8_t codec, brood_msg **out,
                            brood_error **error);

/**
 * Take the next message. A large one is not copied: its bytes stay in shared memory until it is
 * freed.
 *
 * If this process is killed afterwards the message is gone with it, and counted in
 * brood_queue_stats.lost; see brood_queue_get_lease().
 *
 * @return BROOD_E_CLOSED when the queue was shut down and is empty.
 */
BROOD_CALL brood_queue_get(brood_queue *queue, int64_t timeout_ms, brood_cancel *cancel,
                           brood_msg **out, brood_error **error);
/**
 * Take the next message, and with it as many more as are there, up to `count`.
 *
 * @param out        room for `count` messages, which you own then.
 * @param out_count  how many were taken: at least one.
 */
BROOD_CALL brood_queue_get_many(brood_queue *queue, size_t count, int64_t timeout_ms,
                                brood_cancel *cancel, brood_msg **out, size_t *out_count,
                                brood_error **error);

/**
 * Take the next message for as long as it takes to handle it: it is finished by brood_lease_ack(),
 * and delivered again if this process dies before, or gives the lease back.
 */
BROOD_CALL brood_queue_get_lease(brood_queue *queue, int64_t timeout_ms, brood_cancel *cancel,
                                 brood_lease **out, brood_error **error);
/** The message, borrowed from the lease. Read only: the next one may need it. */
BROOD_API brood_msg *brood_lease_msg(brood_lease *lease);
/** The message is handled for good. Consumes on success. */
BROOD_CALL brood_lease_ack(brood_lease *lease, brood_error **error);
/** Give the message back to the queue, to be delivered again. */
BROOD_API void brood_lease_free(brood_lease *lease);

/**
 * Say that the oldest message which this handle got from a joinable queue is handled.
 *
 * Messages that a killed process got and had not finished count as lost, and as finished, so that
 * nobody waits for them; leased ones are delivered again.
 *
 * @return BROOD_E_STATE if there is none, or the queue is not joinable.
 */
BROOD_CALL brood_queue_task_done(brood_queue *queue, brood_error **error);
/** Wait until every message that was put is finished. BROOD_E_STATE if the queue is not joinable.
 */
BROOD_CALL brood_queue_join(brood_queue *queue, int64_t timeout_ms, brood_cancel *cancel,
                            brood_error **error);

/** How many messages can be taken. Exact while nobody puts or takes; 0 for NULL. */
BROOD_API uint64_t brood_queue_length(const brood_queue *queue);

typedef struct brood_queue_stats {
  size_t struct_size;
  uint64_t length;   /* to be taken now */
  uint64_t put;      /* ever */
  uint64_t taken;    /* ever */
  uint64_t finished; /* acknowledged, or done in a joinable queue */
  uint64_t lost;     /* in the hands of processes that ended without brood_queue_free() */
} brood_queue_stats;
#define BROOD_QUEUE_STATS_INIT \
  { sizeof(brood_queue_stats), 0, 0, 0, 0, 0 }
/** Count what went through the queue. */
BROOD_CALL brood_queue_get_stats(brood_queue *queue, brood_queue_stats *out, brood_error **error);

/**
 * End the queue for everyone: nothing more can be put, what is in it can still be taken, and then
 * every get is BROOD_E_CLOSED. Wakes all who wait.
 */
BROOD_CALL brood_queue_shutdown(brood_queue *queue, brood_error **error);
BROOD_API void brood_queue_free(brood_queue *queue);

/** The common view, borrowed: ready while there is something to take, or the queue is shut down. */
BROOD_API brood_handle *brood_queue_handle(brood_queue *queue);
/** Take a queue out of a message that it was attached to. BROOD_E_INVALID if it is something else.
 */
BROOD_CALL brood_msg_take_queue(brood_msg *msg, size_t index, brood_queue **out,
                                brood_error **error);

#ifdef __cplusplus
}
#endif
#endif
