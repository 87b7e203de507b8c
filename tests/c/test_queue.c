/* Queues, as one process and several see them. */
#include <pthread.h>

#include "queue_workers.h"

static const queue_order nothing_special = {0, 0, 0};

/* ---- what goes in comes out ------------------------------------------------------------------ */

static void promise_22_length_is_exact_and_order_is_kept(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  for (uint64_t i = 0; i < 1000; ++i) {
    assert_int_equal(brood_queue_length(queue), i);
    OK(brood_queue_put(queue, &i, sizeof i, BROOD_CODEC_RAW, 0, NULL, NULL));
  }
  for (uint64_t i = 0; i < 1000; ++i) {
    assert_int_equal(brood_queue_length(queue), 1000 - i);
    brood_msg *msg = NULL;
    OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), sizeof i);
    assert_memory_equal(brood_msg_data(msg), &i, sizeof i);
    brood_msg_free(msg);
  }
  assert_int_equal(brood_queue_length(queue), 0);
  brood_queue_stats stats = BROOD_QUEUE_STATS_INIT;
  OK(brood_queue_get_stats(queue, &stats, NULL));
  assert_int_equal(stats.put, 1000);
  assert_int_equal(stats.taken, 1000);
  assert_int_equal(stats.lost, 0);
  brood_queue_free(queue);
}

static void messages_of_every_size_are_whole(void **state) {
  (void)state;
  static const size_t sizes[] = {0,    1,     7,     8,      4095,    4096,
                                 4097, 16000, 65536, 300000, 1 << 20, 200 << 20};
  brood_queue *queue = make_queue(0, false);
  char *bytes = malloc(200 << 20);
  for (size_t i = 0; i < 200 << 20; ++i) bytes[i] = (char)(i * 7 + i / 4096);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    OK(brood_queue_put(queue, bytes, sizes[i], (uint8_t)i, 0, NULL, NULL));
  }
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    brood_msg *msg = NULL;
    OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), sizes[i]);
    assert_int_equal(brood_msg_codec(msg), i);
    assert_int_equal(memcmp(brood_msg_data(msg), bytes, sizes[i]), 0);
    brood_msg_free(msg);
  }
  free(bytes);
  brood_queue_free(queue);
}

static void loaned_messages_are_not_copied(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_msg *msg = NULL;
  OK(brood_queue_loan(queue, 1 << 20, BROOD_CODEC_TEXT, &msg, NULL));
  const void *place = brood_msg_data(msg);
  memset(brood_msg_data(msg), 'x', 1 << 20);
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  assert_ptr_equal(brood_msg_data(msg), place);
  /* And on, without a copy again. */
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  assert_ptr_equal(brood_msg_data(msg), place);
  assert_int_equal(brood_msg_codec(msg), BROOD_CODEC_TEXT);
  brood_msg_free(msg);
  /* Small ones work the same way. */
  OK(brood_queue_loan(queue, 5, BROOD_CODEC_TEXT, &msg, NULL));
  memcpy(brood_msg_data(msg), "small", 5);
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  expect_text(queue, "small");
  brood_queue_free(queue);
}

static void many_at_once(void **state) {
  (void)state;
  brood_queue *queue = make_queue(100, false);
  uint64_t numbers[150];
  brood_bytes items[150];
  for (uint64_t i = 0; i < 150; ++i) {
    numbers[i] = i;
    items[i] = (brood_bytes){&numbers[i], sizeof numbers[i]};
  }
  size_t count = 0;
  OK(brood_queue_put_many(queue, items, 150, BROOD_CODEC_RAW, 0, NULL, &count, NULL));
  assert_int_equal(count, 100); /* what there is room for */
  FAILS(BROOD_E_TIMEOUT,
        brood_queue_put_many(queue, items, 1, BROOD_CODEC_RAW, 0, NULL, &count, NULL));
  brood_msg *msgs[64];
  uint64_t next = 0;
  for (const size_t expected[] = {64, 36}, *e = expected; e < expected + 2; ++e) {
    OK(brood_queue_get_many(queue, 64, 0, NULL, msgs, &count, NULL));
    assert_int_equal(count, *e);
    for (size_t i = 0; i < count; ++i, ++next) {
      assert_memory_equal(brood_msg_data(msgs[i]), &next, sizeof next);
      brood_msg_free(msgs[i]);
    }
  }
  FAILS(BROOD_E_TIMEOUT, brood_queue_get_many(queue, 64, 0, NULL, msgs, &count, NULL));
  brood_queue_free(queue);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void full_and_empty_queues_time_out(void **state) {
  (void)state;
  brood_queue *queue = make_queue(2, false);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_queue_get(queue, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_get(queue, 20, NULL, &msg, NULL));
  put_text(queue, "one");
  put_text(queue, "two");
  FAILS(BROOD_E_TIMEOUT, brood_queue_put(queue, "three", 5, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_put(queue, "three", 5, 0, 20, NULL, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_queue_put(queue, "three", 5, 0, LONG_MS, cancel, NULL));
  expect_text(queue, "one");
  OK(brood_queue_put(queue, "three", 5, 0, LONG_MS, cancel, NULL));
  expect_text(queue, "two");
  expect_text(queue, "three");
  FAILS(BROOD_E_CANCELED, brood_queue_get(queue, LONG_MS, cancel, &msg, NULL));
  brood_cancel_free(cancel);
  brood_queue_free(queue);
}

static void capacity_in_bytes(void **state) {
  (void)state;
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  options.capacity_bytes = 100000;
  brood_queue *queue = NULL;
  OK(brood_queue_create(&options, &queue, NULL));
  char *bytes = calloc(1, 100001);
  OK(brood_queue_put(queue, bytes, 60000, 0, 0, NULL, NULL));
  OK(brood_queue_put(queue, bytes, 40000, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_put(queue, bytes, 1, 0, 0, NULL, NULL));
  OK(brood_queue_put(queue, NULL, 0, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TOO_BIG, brood_queue_put(queue, bytes, 100001, 0, LONG_MS, NULL, NULL));
  SAYS("100000");
  brood_msg *msg = NULL;
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  brood_msg_free(msg);
  OK(brood_queue_put(queue, bytes, 60000, 0, 0, NULL, NULL));
  free(bytes);
  brood_queue_free(queue);
}

typedef struct two_queues {
  brood_queue *questions;
  brood_queue *answers;
} two_queues;

static void *answer(void *context) {
  two_queues *queues = context;
  brood_msg *msg = NULL;
  if (brood_queue_get(queues->questions, LONG_MS, NULL, &msg, NULL) != BROOD_OK)
    return "no question";
  return brood_queue_put_msg(queues->answers, msg, LONG_MS, NULL, NULL) == BROOD_OK ? NULL
                                                                                    : "no put";
}

static void threads_wait_for_each_other(void **state) {
  (void)state;
  for (int turn = 0; turn < 200; ++turn) {
    two_queues queues = {make_queue(1, false), make_queue(1, false)};
    put_text(queues.answers, "fills it");
    pthread_t thread;
    void *wrong = NULL;
    assert_int_equal(pthread_create(&thread, NULL, answer, &queues), 0);
    put_text(queues.questions, "a question");
    expect_text(queues.answers, "fills it");
    expect_text(queues.answers, "a question");
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    brood_queue_free(queues.questions);
    brood_queue_free(queues.answers);
  }
}

static void *get_until_closed(void *context) {
  brood_msg *msg = NULL;
  const brood_status status = brood_queue_get(context, LONG_MS, NULL, &msg, NULL);
  return status == BROOD_E_CLOSED ? NULL : "not closed";
}

static void shutdown_lets_readers_drain(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  put_text(queue, "last");
  OK(brood_queue_shutdown(queue, NULL));
  OK(brood_queue_shutdown(queue, NULL));
  FAILS(BROOD_E_CLOSED, brood_queue_put(queue, "late", 4, 0, LONG_MS, NULL, NULL));
  expect_text(queue, "last");
  brood_msg *msg = NULL;
  FAILS(BROOD_E_CLOSED, brood_queue_get(queue, LONG_MS, NULL, &msg, NULL));
  brood_queue_free(queue);

  queue = make_queue(0, false);
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, get_until_closed, queue), 0);
  }
  OK(brood_queue_shutdown(queue, NULL));
  for (int i = 0; i < 4; ++i) {
    void *wrong = NULL;
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_null(wrong);
  }
  brood_queue_free(queue);
}

static void waited_for_with_other_things(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_queue *news = make_queue(0, false);
  brood_process *process = start_with("get_for_ever", &nothing_special, queue, news);
  brood_handle *handles[] = {brood_process_handle(process), brood_queue_handle(queue),
                             brood_queue_handle(news)};
  size_t index = 9;
  OK(brood_wait(handles, 3, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 2);
  expect_text(news, "ready");
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles + 2, 1, 10, NULL, &index, NULL));
  OK(brood_queue_shutdown(news, NULL));
  OK(brood_wait(handles, 3, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 2);
  OK(brood_process_kill(process, NULL));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 0);
  join_and_free(process);
  brood_queue_free(queue);
  brood_queue_free(news);
}

/* ---- finishing ------------------------------------------------------------------------------- */

static void joinable_queues_count(void **state) {
  (void)state;
  brood_queue *plain = make_queue(0, false);
  FAILS(BROOD_E_STATE, brood_queue_task_done(plain, NULL));
  FAILS(BROOD_E_STATE, brood_queue_join(plain, 0, NULL, NULL));
  brood_queue_free(plain);

  brood_queue *queue = make_queue(0, true);
  OK(brood_queue_join(queue, 0, NULL, NULL));
  FAILS(BROOD_E_STATE, brood_queue_task_done(queue, NULL));
  put_text(queue, "one");
  put_text(queue, "two");
  FAILS(BROOD_E_TIMEOUT, brood_queue_join(queue, 0, NULL, NULL));
  expect_text(queue, "one");
  expect_text(queue, "two");
  OK(brood_queue_task_done(queue, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_join(queue, 10, NULL, NULL));
  OK(brood_queue_task_done(queue, NULL));
  OK(brood_queue_join(queue, LONG_MS, NULL, NULL));
  FAILS(BROOD_E_STATE, brood_queue_task_done(queue, NULL));
  /* Others take and finish; this process waits for them. */
  brood_process *worker = start_with("take_done", &nothing_special, queue, NULL);
  for (int i = 0; i < 500; ++i) put_text(queue, "work");
  OK(brood_queue_join(queue, LONG_MS, NULL, NULL));
  OK(brood_queue_shutdown(queue, NULL));
  join_and_free(worker);
  brood_queue_free(queue);
}

static void leases_come_back_until_acknowledged(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, true);
  put_text(queue, "one");
  put_text(queue, "two");
  brood_lease *lease = NULL;
  OK(brood_queue_get_lease(queue, 0, NULL, &lease, NULL));
  assert_memory_equal(brood_msg_data(brood_lease_msg(lease)), "one", 3);
  assert_int_equal(brood_queue_length(queue), 1);
  brood_lease_free(lease);
  assert_int_equal(brood_queue_length(queue), 2);
  OK(brood_queue_get_lease(queue, 0, NULL, &lease, NULL));
  assert_memory_equal(brood_msg_data(brood_lease_msg(lease)), "one", 3);
  OK(brood_lease_ack(lease, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_join(queue, 0, NULL, NULL));
  OK(brood_queue_get_lease(queue, 0, NULL, &lease, NULL));
  assert_memory_equal(brood_msg_data(brood_lease_msg(lease)), "two", 3);
  OK(brood_lease_ack(lease, NULL));
  OK(brood_queue_join(queue, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_get_lease(queue, 0, NULL, &lease, NULL));
  brood_queue_free(queue);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void bad_input_is_refused(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_msg *msg = NULL;
  size_t count = 0;
  FAILS(BROOD_E_INVALID, brood_queue_create(NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put(NULL, "x", 1, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put(queue, NULL, 1, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put(queue, "x", 1, 0, -2, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put_msg(queue, NULL, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_get(queue, 0, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_get(queue, -5, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_get_many(queue, 0, 0, NULL, &msg, &count, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put_many(queue, NULL, 1, 0, 0, NULL, &count, NULL));
  FAILS(BROOD_E_INVALID, brood_queue_put_many(queue, NULL, 0, 0, 0, NULL, &count, NULL));
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  options.struct_size = 3;
  brood_queue *none = NULL;
  FAILS(BROOD_E_INVALID, brood_queue_create(&options, &none, NULL));
  FAILS(BROOD_E_NO_MEMORY, brood_queue_loan(queue, SIZE_MAX / 2, 0, &msg, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  OK(brood_msg_create("x", 1, 0, &msg, NULL));
  OK(brood_msg_attach(msg, brood_cancel_handle(cancel), NULL));
  FAILS(BROOD_E_INVALID, brood_msg_take_queue(msg, 0, &none, NULL));
  FAILS(BROOD_E_INVALID, brood_msg_take_queue(msg, 1, &none, NULL));
  brood_msg_free(msg);
  brood_cancel_free(cancel);
  assert_int_equal(brood_queue_length(NULL), 0);
  assert_null(brood_queue_handle(NULL));
  assert_null(brood_lease_msg(NULL));
  brood_queue_free(NULL);
  brood_lease_free(NULL);
  brood_queue_free(queue);
}

int main(int argc, char **argv) {
  register_queue_workers();
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_22_length_is_exact_and_order_is_kept),
      cmocka_unit_test(messages_of_every_size_are_whole),
      cmocka_unit_test(loaned_messages_are_not_copied),
      cmocka_unit_test(many_at_once),
      cmocka_unit_test(full_and_empty_queues_time_out),
      cmocka_unit_test(capacity_in_bytes),
      cmocka_unit_test(threads_wait_for_each_other),
      cmocka_unit_test(shutdown_lets_readers_drain),
      cmocka_unit_test(waited_for_with_other_things),
      cmocka_unit_test(joinable_queues_count),
      cmocka_unit_test(leases_come_back_until_acknowledged),
      cmocka_unit_test(bad_input_is_refused),
  };
  return RUN_TESTS("queue", tests);
}
