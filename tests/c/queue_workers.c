#include "queue_workers.h"

#include <unistd.h>

/* ---- in the other process ------------------------------------------------------------------- */

/* A worker has no test to fail: it ends, and whoever waits for it sees that. */
#define MUST(call)                                                                 \
  do {                                                                             \
    if ((call) != BROOD_OK) {                                                      \
      fprintf(stderr, "%s: %s\n", #call, brood_error_message(brood_last_error())); \
      _exit(97);                                                                   \
    }                                                                              \
  } while (0)

static queue_order order_of(brood_task *task) {
  queue_order order;
  memcpy(&order, brood_msg_data(brood_task_args(task)), sizeof order);
  return order;
}

static brood_queue *queue_of(brood_task *task, size_t index) {
  brood_queue *queue = NULL;
  MUST(brood_msg_take_queue(brood_task_args(task), index, &queue, NULL));
  return queue;
}

static void sleep_for_ever(void) {
  for (;;) pause();
}

static void put_many_numbered(brood_task *task, void *context) {
  (void)context;
  const queue_order order = order_of(task);
  brood_queue *queue = queue_of(task, 0);
  char *bytes = calloc(1, order.size + sizeof(numbered));
  const size_t size = order.size > sizeof(numbered) ? order.size : sizeof(numbered);
  for (uint64_t i = 0; i < order.count; ++i) {
    const numbered head = {order.number, i};
    memset(bytes, (int)(i & 0x7f), size);
    memcpy(bytes, &head, sizeof head);
    MUST(brood_queue_put(queue, bytes, size, BROOD_CODEC_RAW, LONG_MS, NULL, NULL));
  }
  free(bytes);
  brood_queue_free(queue);
}

static void take_and_wait(brood_task *task, void *context) {
  (void)context;
  brood_queue *queue = queue_of(task, 0);
  brood_queue *news = queue_of(task, 1);
  brood_msg *msg = NULL;
  MUST(brood_queue_get(queue, LONG_MS, NULL, &msg, NULL));
  MUST(brood_queue_put(news, "taken", 5, BROOD_CODEC_TEXT, 0, NULL, NULL));
  sleep_for_ever();
}

static void lease_and_wait(brood_task *task, void *context) {
  (void)context;
  brood_queue *queue = queue_of(task, 0);
  brood_queue *news = queue_of(task, 1);
  brood_lease *lease = NULL;
  MUST(brood_queue_get_lease(queue, LONG_MS, NULL, &lease, NULL));
  MUST(brood_queue_put(news, "taken", 5, BROOD_CODEC_TEXT, 0, NULL, NULL));
  sleep_for_ever();
}

static void forward_all(brood_task *task, void *context) {
  (void)context;
  brood_queue *from = queue_of(task, 0);
  brood_queue *to = queue_of(task, 1);
  for (;;) {
    brood_msg *msg = NULL;
    const brood_status status = brood_queue_get(from, LONG_MS, NULL, &msg, NULL);
    if (status == BROOD_E_CLOSED) break;
    MUST(status);
    MUST(brood_queue_put_msg(to, msg, LONG_MS, NULL, NULL));
  }
  brood_queue_free(from);
  brood_queue_free(to);
}

static void take_done(brood_task *task, void *context) {
  (void)context;
  brood_queue *queue = queue_of(task, 0);
  for (;;) {
    brood_msg *msg = NULL;
    const brood_status status = brood_queue_get(queue, LONG_MS, NULL, &msg, NULL);
    if (status == BROOD_E_CLOSED) break;
    MUST(status);
    brood_msg_free(msg);
    MUST(brood_queue_task_done(queue, NULL));
  }
  brood_queue_free(queue);
}

static void get_for_ever(brood_task *task, void *context) {
  (void)context;
  brood_queue *queue = queue_of(task, 0);
  brood_queue *news = queue_of(task, 1);
  MUST(brood_queue_put(news, "ready", 5, BROOD_CODEC_TEXT, 0, NULL, NULL));
  brood_msg *msg = NULL;
  (void)!brood_queue_get(queue, BROOD_FOREVER, NULL, &msg, NULL);
  sleep_for_ever();
}

static void queue_in_queue(brood_task *task, void *context) {
  (void)context;
  brood_queue *outer = queue_of(task, 0);
  brood_queue *inner = NULL;
  MUST(brood_queue_create(NULL, &inner, NULL));
  MUST(brood_queue_put(inner, "inside", 6, BROOD_CODEC_TEXT, 0, NULL, NULL));
  brood_msg *msg = NULL;
  MUST(brood_msg_create("take this", 9, BROOD_CODEC_TEXT, &msg, NULL));
  MUST(brood_msg_attach(msg, brood_queue_handle(inner), NULL));
  MUST(brood_queue_put_msg(outer, msg, 0, NULL, NULL));
  sleep_for_ever();
}

void register_queue_workers(void) {
  MUST(brood_register("put_many_numbered", put_many_numbered, NULL, NULL));
  MUST(brood_register("take_and_wait", take_and_wait, NULL, NULL));
  MUST(brood_register("lease_and_wait", lease_and_wait, NULL, NULL));
  MUST(brood_register("forward_all", forward_all, NULL, NULL));
  MUST(brood_register("take_done", take_done, NULL, NULL));
  MUST(brood_register("get_for_ever", get_for_ever, NULL, NULL));
  MUST(brood_register("queue_in_queue", queue_in_queue, NULL, NULL));
}

/* ---- in the test ---------------------------------------------------------------------------- */

brood_queue *make_queue(uint64_t capacity_items, bool joinable) {
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  options.capacity_items = capacity_items;
  options.joinable = joinable;
  brood_queue *queue = NULL;
  OK(brood_queue_create(&options, &queue, NULL));
  return queue;
}

static brood_msg *message_with(const queue_order *order, brood_queue *first, brood_queue *second) {
  brood_msg *msg = NULL;
  OK(brood_msg_create(order, sizeof *order, BROOD_CODEC_RAW, &msg, NULL));
  OK(brood_msg_attach(msg, brood_queue_handle(first), NULL));
  if (second != NULL) OK(brood_msg_attach(msg, brood_queue_handle(second), NULL));
  return msg;
}

brood_process *start_with(const char *function, const queue_order *order, brood_queue *first,
                          brood_queue *second) {
  brood_process *process = NULL;
  OK(brood_process_start_msg(function, message_with(order, first, second), NULL, &process, NULL));
  return process;
}

brood_future *submit_with(brood_pool *pool, const char *function, const queue_order *order,
                          brood_queue *first, brood_queue *second) {
  brood_future *future = NULL;
  OK(brood_pool_submit_msg(pool, function, message_with(order, first, second), NULL, &future,
                           NULL));
  return future;
}

void put_text(brood_queue *queue, const char *text) {
  OK(brood_queue_put(queue, text, strlen(text), BROOD_CODEC_TEXT, 0, NULL, NULL));
}

void expect_text(brood_queue *queue, const char *text) {
  brood_msg *msg = NULL;
  OK(brood_queue_get(queue, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), strlen(text));
  assert_memory_equal(brood_msg_data(msg), text, strlen(text));
  brood_msg_free(msg);
}

void kill_and_free(brood_process *process) {
  OK(brood_process_kill(process, NULL));
  join_and_free(process);
}

void join_and_free(brood_process *process) {
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  brood_process_free(process);
}
