/* Queues whose other users are killed. */
#include "inspect.h"
#include "queue_workers.h"

static const queue_order nothing_special = {0, 0, 0};

static void promise_16_a_child_puts_100_mb_and_exits(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  const queue_order order = {100, 1000000, 7};
  join_and_free(start_with("put_many_numbered", &order, queue, NULL));
  assert_int_equal(brood_queue_length(queue), 100);
  for (uint64_t i = 0; i < 100; ++i) {
    brood_msg *msg = NULL;
    OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), 1000000);
    const numbered expected = {7, i};
    assert_memory_equal(brood_msg_data(msg), &expected, sizeof expected);
    assert_int_equal(((char *)brood_msg_data(msg))[999999], (char)(i & 0x7f));
    brood_msg_free(msg);
  }
  /* The same in small ones. */
  const queue_order small = {100000, 1000, 8};
  join_and_free(start_with("put_many_numbered", &small, queue, NULL));
  assert_int_equal(brood_queue_length(queue), 100000);
  brood_queue_free(queue);
}

static void promise_6_a_process_killed_in_a_get_leaves_the_queue(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_queue *news = make_queue(0, false);
  for (int turn = 0; turn < 5; ++turn) {
    brood_process *process = start_with("get_for_ever", &nothing_special, queue, news);
    expect_text(news, "ready");
    kill_and_free(process);
    put_text(queue, "still here");
    expect_text(queue, "still here");
  }
  brood_queue_stats stats = BROOD_QUEUE_STATS_INIT;
  OK(brood_queue_get_stats(queue, &stats, NULL));
  assert_int_equal(stats.lost, 0);
  brood_queue_free(queue);
  brood_queue_free(news);
}

static void promise_7_what_a_dead_consumer_had_is_told(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, true);
  brood_queue *news = make_queue(0, false);
  put_text(queue, "lost");
  put_text(queue, "next");
  brood_process *process = start_with("take_and_wait", &nothing_special, queue, news);
  expect_text(news, "taken");
  expect_text(queue, "next");
  OK(brood_queue_task_done(queue, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_join(queue, 0, NULL, NULL));
  kill_and_free(process);
  OK(brood_queue_join(queue, LONG_MS, NULL, NULL));
  brood_queue_stats stats = BROOD_QUEUE_STATS_INIT;
  OK(brood_queue_get_stats(queue, &stats, NULL));
  assert_int_equal(stats.lost, 1);
  assert_int_equal(stats.finished, 2);
  brood_queue_free(queue);

  /* The same of a plain queue: the last message that it took. */
  queue = make_queue(0, false);
  put_text(queue, "lost");
  process = start_with("take_and_wait", &nothing_special, queue, news);
  expect_text(news, "taken");
  kill_and_free(process);
  OK(brood_queue_get_stats(queue, &stats, NULL));
  assert_int_equal(stats.lost, 1);
  assert_int_equal(stats.length, 0);
  brood_queue_free(queue);
  brood_queue_free(news);
}

static void promise_7_what_a_dead_consumer_leased_comes_again(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, true);
  brood_queue *news = make_queue(0, false);
  put_text(queue, "first");
  put_text(queue, "second");
  brood_process *process = start_with("lease_and_wait", &nothing_special, queue, news);
  expect_text(news, "taken");
  assert_int_equal(brood_queue_length(queue), 1);
  kill_and_free(process);
  assert_int_equal(brood_queue_length(queue), 2);
  brood_lease *lease = NULL;
  OK(brood_queue_get_lease(queue, 0, NULL, &lease, NULL));
  assert_memory_equal(brood_msg_data(brood_lease_msg(lease)), "first", 5);
  OK(brood_lease_ack(lease, NULL));
  expect_text(queue, "second");
  OK(brood_queue_task_done(queue, NULL));
  OK(brood_queue_join(queue, 0, NULL, NULL));
  brood_queue_free(queue);
  brood_queue_free(news);
}

static void promise_29_a_queue_outlives_who_made_it(void **state) {
  (void)state;
  brood_queue *outer = make_queue(0, false);
  brood_process *process = start_with("queue_in_queue", &nothing_special, outer, NULL);
  brood_msg *msg = NULL;
  OK(brood_queue_get(outer, LONG_MS, NULL, &msg, NULL));
  kill_and_free(process);
  brood_queue *inner = NULL;
  OK(brood_msg_take_queue(msg, 0, &inner, NULL));
  FAILS(BROOD_E_STATE, brood_msg_take_queue(msg, 0, &inner, NULL));
  brood_msg_free(msg);
  expect_text(inner, "inside");
  put_text(inner, "works");
  expect_text(inner, "works");
  brood_queue_free(inner);

  /* The same, taken only after the maker's death. */
  process = start_with("queue_in_queue", &nothing_special, outer, NULL);
  brood_handle *handle = brood_queue_handle(outer);
  size_t index = 0;
  OK(brood_wait(&handle, 1, LONG_MS, NULL, &index, NULL));
  kill_and_free(process);
  OK(brood_queue_get(outer, 0, NULL, &msg, NULL));
  OK(brood_msg_take_queue(msg, 0, &inner, NULL));
  brood_msg_free(msg);
  expect_text(inner, "inside");
  brood_queue_free(inner);
  brood_queue_free(outer);
}

static uint64_t bytes_in_use(void) { return look_around().arena_bytes; }

static bool no_more_is_in_use(void *before) { return bytes_in_use() <= *(uint64_t *)before; }

/* 4 MB in a queue, large and small. */
static void put_4_mb(brood_queue *queue) {
  char *bytes = calloc(1, 2000000);
  OK(brood_queue_put(queue, bytes, 2000000, 0, 0, NULL, NULL));
  for (int i = 0; i < 500; ++i) OK(brood_queue_put(queue, bytes, 4000, 0, 0, NULL, NULL));
  free(bytes);
}

static void promise_29_memory_is_free_when_the_last_holder_is_gone(void **state) {
  (void)state;
  uint64_t before = bytes_in_use();
  for (int turn = 0; turn < 20; ++turn) {
    brood_queue *outer = make_queue(0, false);
    brood_queue *inner = make_queue(0, false);
    put_4_mb(inner);
    brood_msg *msg = NULL;
    OK(brood_msg_create("inner", 5, 0, &msg, NULL));
    OK(brood_msg_attach(msg, brood_queue_handle(inner), NULL));
    /* A cycle would live for ever; this is none. */
    OK(brood_queue_put_msg(outer, msg, 0, NULL, NULL));
    brood_queue_free(inner);
    assert_true(bytes_in_use() > before + 4000000);
    brood_queue_free(outer);
    assert_int_equal(bytes_in_use(), before);
  }
}

static void promise_29_memory_is_free_when_the_last_holder_is_killed(void **state) {
  (void)state;
  brood_queue *news = make_queue(0, false);
  put_text(news, "its memory stays for the next one");
  expect_text(news, "its memory stays for the next one");
  uint64_t before = bytes_in_use();
  for (int turn = 0; turn < 5; ++turn) {
    brood_queue *queue = make_queue(0, false);
    brood_process *process = start_with("take_and_wait", &nothing_special, queue, news);
    put_4_mb(queue);
    expect_text(news, "taken");
    brood_queue_free(queue);
    /* It is the process's alone now, half of it in its hands. */
    assert_true(bytes_in_use() > before + 4000000);
    kill_and_free(process);
    assert_true(eventually(no_more_is_in_use, &before));
  }
  brood_queue_free(news);
}

/* ---- several of each side -------------------------------------------------------------------- */

static void check_forwarded(brood_queue *queue, uint64_t producers, uint64_t each, size_t size) {
  uint64_t next[4] = {0};
  for (uint64_t i = 0; i < producers * each; ++i) {
    brood_msg *msg = NULL;
    OK(brood_queue_get(queue, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), size);
    numbered head;
    memcpy(&head, brood_msg_data(msg), sizeof head);
    assert_true(head.producer < producers);
    assert_int_equal(head.index, next[head.producer]);
    ++next[head.producer];
    brood_msg_free(msg);
  }
}

static void promise_22_order_is_kept_for_each_producer(void **state) {
  (void)state;
  /* One forwarder between, so that the order can be told; workers exist before the queues do. */
  brood_pool *pool = make_pool(3);
  for (const size_t sizes[] = {100, 5000}, *size = sizes; size < sizes + 2; ++size) {
    brood_queue *raw = make_queue(16, false);
    brood_queue *out = make_queue(0, false);
    brood_future *forward = submit_with(pool, "forward_all", &nothing_special, raw, out);
    brood_future *puts[2];
    for (uint64_t i = 0; i < 2; ++i) {
      const queue_order order = {3000, *size, i};
      puts[i] = submit_with(pool, "put_many_numbered", &order, raw, NULL);
    }
    check_forwarded(out, 2, 3000, *size);
    for (int i = 0; i < 2; ++i) {
      OK(brood_future_wait(puts[i], LONG_MS, NULL, NULL));
      brood_future_free(puts[i]);
    }
    OK(brood_queue_shutdown(raw, NULL));
    OK(brood_future_wait(forward, LONG_MS, NULL, NULL));
    brood_future_free(forward);
    brood_queue_free(raw);
    brood_queue_free(out);
  }
  end_pool(pool);
}

static int by_producer_and_index(const void *a, const void *b) {
  return memcmp(a, b, sizeof(numbered));
}

static void two_producers_and_two_consumers_lose_nothing(void **state) {
  (void)state;
  enum { kEach = 5000 };
  brood_queue *raw = make_queue(0, false);
  brood_queue *out = make_queue(0, false);
  brood_process *workers[4];
  for (uint64_t i = 0; i < 2; ++i) {
    const queue_order order = {kEach, sizeof(numbered), i};
    workers[i] = start_with("put_many_numbered", &order, raw, NULL);
    workers[2 + i] = start_with("forward_all", &order, raw, out);
  }
  static numbered all[2 * kEach];
  for (size_t i = 0; i < 2 * kEach; ++i) {
    brood_msg *msg = NULL;
    OK(brood_queue_get(out, LONG_MS, NULL, &msg, NULL));
    memcpy(&all[i], brood_msg_data(msg), sizeof all[i]);
    brood_msg_free(msg);
  }
  OK(brood_queue_shutdown(raw, NULL));
  for (int i = 0; i < 4; ++i) join_and_free(workers[i]);
  /* Little-endian numbers below 2^16 in the lowest bytes: equal ones are neighbours after sorting.
   */
  qsort(all, 2 * kEach, sizeof *all, by_producer_and_index);
  for (size_t i = 1; i < 2 * kEach; ++i) {
    assert_true(memcmp(&all[i - 1], &all[i], sizeof *all) != 0);
  }
  brood_queue_free(raw);
  brood_queue_free(out);
}

int main(int argc, char **argv) {
  register_queue_workers();
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_16_a_child_puts_100_mb_and_exits),
      cmocka_unit_test(promise_6_a_process_killed_in_a_get_leaves_the_queue),
      cmocka_unit_test(promise_7_what_a_dead_consumer_had_is_told),
      cmocka_unit_test(promise_7_what_a_dead_consumer_leased_comes_again),
      cmocka_unit_test(promise_29_a_queue_outlives_who_made_it),
      cmocka_unit_test(promise_29_memory_is_free_when_the_last_holder_is_gone),
      cmocka_unit_test(promise_29_memory_is_free_when_the_last_holder_is_killed),
      cmocka_unit_test(promise_22_order_is_kept_for_each_producer),
      cmocka_unit_test(two_producers_and_two_consumers_lose_nothing),
  };
  return RUN_TESTS("queue, crash", tests);
}
