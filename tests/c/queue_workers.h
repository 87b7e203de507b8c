/* What other processes do with the queues of the tests. */
#ifndef TESTS_C_QUEUE_WORKERS_H
#define TESTS_C_QUEUE_WORKERS_H

#include "functions.h"

/* What a worker is told: the queues and pipes are attached to the same message. */
typedef struct queue_order {
  uint64_t count;
  uint64_t size;
  uint64_t number;
} queue_order;

/* A numbered message: who put it, and which of his it is; filled up to the order's size. */
typedef struct numbered {
  uint64_t producer;
  uint64_t index;
} numbered;

/* Registers what follows, before test_begin():
 *   put_many_numbered   puts `count` numbered messages of `size` bytes into queue 0
 *   take_and_wait       takes one from queue 0, says "taken" on queue 1, and sleeps for ever
 *   lease_and_wait      the same with a lease
 *   forward_all         takes numbered messages from queue 0 and puts them into queue 1, until
 * closed take_done           takes from queue 0 and says done, until closed get_for_ever says
 * "ready" on queue 1, and blocks in a get from queue 0 queue_in_queue      makes a queue with one
 * message in it, puts it into queue 0, and sleeps for ever
 */
void register_queue_workers(void);

brood_queue *make_queue(uint64_t capacity_items, bool joinable);
brood_process *start_with(const char *function, const queue_order *order, brood_queue *first,
                          brood_queue *second);
brood_future *submit_with(brood_pool *pool, const char *function, const queue_order *order,
                          brood_queue *first, brood_queue *second);
void put_text(brood_queue *queue, const char *text);
/* The next message is this text. */
void expect_text(brood_queue *queue, const char *text);
void kill_and_free(brood_process *process);
void join_and_free(brood_process *process);

#endif
