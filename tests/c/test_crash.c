/* Workers that die: promises 1, 2, 3, 17, 18, 19, and what else can go wrong in a task. */
#include <signal.h>
#include <unistd.h>

#include "functions.h"

static void expect_lost(brood_future *future, int32_t signal_number, int32_t exit_code) {
  brood_msg *msg = NULL;
  brood_error *error = NULL;
  FAILS(BROOD_E_WORKER_LOST, brood_future_result(future, LONG_MS, NULL, &msg, &error));
  assert_int_equal(brood_error_signal(error), signal_number);
  assert_int_equal(brood_error_exit_code(error), exit_code);
  assert_true(brood_error_pid(error) > 0);
  brood_error_free(error);
  brood_future_free(future);
}

static bool has_two_workers(void *pool) {
  int64_t pids[2];
  return worker_pids(pool, pids, 2) == 2;
}

static void promise_1_a_killed_worker_costs_its_task_and_no_other(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  assert_true(eventually(has_two_workers, pool));
  char path[] = "/tmp/brood-go-XXXXXX";
  close(mkstemp(path));
  unlink(path);
  brood_future *blocked[2], *futures[98];
  for (int i = 0; i < 2; ++i) blocked[i] = submit(pool, "wait_for_file", path, sizeof path);
  for (int64_t i = 0; i < 98; ++i) futures[i] = submit(pool, "square", &i, sizeof i);
  int64_t pids[2];
  assert_int_equal(worker_pids(pool, pids, 2), 2);
  for (int i = 0; i < 2; ++i) assert_true(is_waiting_for_file(path, pids[i]));
  const int64_t before = now_ms();
  kill((pid_t)pids[0], SIGKILL);
  size_t index = 9;
  brood_handle *handles[] = {brood_future_handle(blocked[0]), brood_future_handle(blocked[1])};
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  const int64_t took = now_ms() - before;
  if (took > 100) print_message("the loss was reported after %d ms\n", (int)took);
  brood_error *error = NULL;
  brood_msg *msg = NULL;
  FAILS(BROOD_E_WORKER_LOST, brood_future_result(blocked[index], 0, NULL, &msg, &error));
  assert_int_equal(brood_error_signal(error), SIGKILL);
  assert_int_equal(brood_error_pid(error), pids[0]);
  brood_error_free(error);
  FILE *file = fopen(path, "w");
  fclose(file);
  OK(brood_future_wait(blocked[1 - index], LONG_MS, NULL, NULL));
  for (int64_t i = 0; i < 98; ++i) assert_int_equal(int_result(futures[i]), i * i);
  assert_true(eventually(has_two_workers, pool));
  unlink(path);
  for (int i = 0; i < 2; ++i) brood_future_free(blocked[i]);
  end_pool(pool);
}

static void crash_map(uint32_t chunk) {
  brood_pool *pool = make_pool(2);
  enum { kCount = 1000 };
  int64_t values[kCount];
  brood_bytes items[kCount];
  for (int64_t i = 0; i < kCount; ++i) {
    values[i] = i;
    items[i] = (brood_bytes){&values[i], sizeof values[i]};
  }
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.on_error = BROOD_ON_ERROR_COLLECT;
  options.retries = 1;
  options.chunk = chunk;
  for (int round = 0; round < 2; ++round) { /* the same pool runs another map */
    brood_stream *stream = NULL;
    OK(brood_pool_map(pool, "crash_on_7", items, kCount, &options, &stream, NULL));
    for (uint64_t i = 0; i < kCount; ++i) {
      brood_msg *msg = NULL;
      brood_error *error = NULL;
      uint64_t index = 0;
      const brood_status status = brood_stream_next(stream, LONG_MS, NULL, &index, &msg, &error);
      assert_int_equal(index, i);
      if (i == 7) {
        assert_int_equal(status, BROOD_E_WORKER_LOST);
        assert_int_equal(brood_error_signal(error), SIGSEGV);
        /* Both runs are told of. */
        assert_non_null(strstr(brood_error_message(error), "run 2"));
        assert_non_null(strstr(brood_error_message(error), "earlier runs"));
      } else {
        assert_int_equal(status, BROOD_OK);
        int64_t value;
        memcpy(&value, brood_msg_data(msg), sizeof value);
        assert_int_equal(value, i * i);
      }
      brood_msg_free(msg);
      brood_error_free(error);
    }
    brood_stream_free(stream);
  }
  end_pool(pool);
}

static void promise_2_a_segfault_in_a_map_is_item_7s_alone(void **state) {
  (void)state;
  crash_map(0);
  crash_map(1);
  crash_map(100);
}

static void promise_3_every_way_to_fail_is_that_futures_alone(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  const int64_t three = 3, zero = 0;
  expect_lost(submit(pool, "exit_with", &three, sizeof three), 0, 3);
  expect_lost(submit(pool, "exit_with", &zero, sizeof zero), 0, 0);
  expect_lost(submit(pool, "abort", NULL, 0), SIGABRT, -1);
  expect_lost(submit(pool, "segfault", NULL, 0), SIGSEGV, -1);
  expect_lost(submit(pool, "stack_overflow", NULL, 0), SIGSEGV, -1);
  assert_int_equal(call_int(pool, "square", 11), 121);
  end_pool(pool);
}

static void a_retry_runs_the_task_again(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  char path[] = "/tmp/brood-once-XXXXXX";
  close(mkstemp(path));
  unlink(path);
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.retries = 1;
  brood_future *future = NULL;
  OK(brood_pool_submit(pool, "crash_once", path, sizeof path, &options, &future, NULL));
  assert_int_equal(int_result(future), 1);
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.retried, 1);
  assert_int_equal(stats.lost, 1);
  unlink(path);
  end_pool(pool);
}

static void a_pool_retries_unless_told_not_to(void **state) {
  (void)state;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  options.retries = 2;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  expect_lost(submit(pool, "segfault", NULL, 0), SIGSEGV, -1);
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.lost, 3);
  brood_submit_options once = BROOD_SUBMIT_OPTIONS_INIT;
  once.retries = BROOD_NO_RETRIES;
  brood_future *future = NULL;
  OK(brood_pool_submit(pool, "segfault", NULL, 0, &once, &future, NULL));
  expect_lost(future, SIGSEGV, -1);
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.lost, 4);
  end_pool(pool);
}

static void promise_17_a_failing_initializer_fails_the_pool(void **state) {
  (void)state;
  const char *initializers[] = {"start_badly", "start_crash", "not_registered"};
  const char *says[] = {"the database is not there", "signal 11", "not_registered"};
  for (int i = 0; i < 3; ++i) {
    brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
    options.workers = 2;
    options.initializer = initializers[i];
    brood_pool *pool = NULL;
    OK(brood_pool_create(&options, &pool, NULL));
    brood_future *future = NULL;
    brood_msg *msg = NULL;
    brood_status status = brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL);
    if (status == BROOD_OK) status = brood_future_result(future, LONG_MS, NULL, &msg, NULL);
    assert_int_equal(status, BROOD_E_INIT_FAILED);
    SAYS(says[i]);
    brood_future_free(future);
    FAILS(BROOD_E_INIT_FAILED, brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL));
    SAYS(says[i]);
    brood_pool_stats stats = BROOD_POOL_STATS_INIT;
    OK(brood_pool_get_stats(pool, &stats, NULL));
    assert_in_range(stats.workers_started, 1, 2 + 3);
    (void)!brood_pool_shutdown(pool, NULL);
    (void)!brood_pool_join(pool, LONG_MS, NULL, NULL);
    brood_pool_free(pool);
  }
}

static void a_crash_loop_breaks_the_pool(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_future *futures[200];
  size_t count = 0;
  brood_status status = BROOD_OK;
  while (count < 200) {
    status = brood_pool_submit(pool, "segfault", NULL, 0, NULL, &futures[count], NULL);
    if (status != BROOD_OK) break;
    ++count;
  }
  size_t lost = 0, broken = 0;
  for (size_t i = 0; i < count; ++i) {
    brood_msg *msg = NULL;
    status = brood_future_result(futures[i], LONG_MS, NULL, &msg, NULL);
    lost += status == BROOD_E_WORKER_LOST;
    broken += status == BROOD_E_BROKEN;
    brood_future_free(futures[i]);
  }
  assert_int_equal(lost + broken, count);
  assert_in_range(lost, 30, 40);
  brood_future *future = NULL;
  FAILS(BROOD_E_BROKEN, brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL));
  SAYS("signal 11");
  brood_pool_free(pool);
}

static void promise_18_workers_of_few_tasks_lose_none(void **state) {
  (void)state;
  for (uint32_t each = 1; each <= 3; ++each) {
    brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
    options.workers = 2;
    options.max_tasks_per_worker = each;
    brood_pool *pool = NULL;
    OK(brood_pool_create(&options, &pool, NULL));
    enum { kCount = 300 };
    int64_t values[kCount];
    brood_bytes items[kCount];
    for (int64_t i = 0; i < kCount; ++i) {
      values[i] = i;
      items[i] = (brood_bytes){&values[i], sizeof values[i]};
    }
    brood_stream *stream = NULL;
    OK(brood_pool_map(pool, "square", items, kCount, NULL, &stream, NULL));
    for (int64_t i = 0; i < kCount; ++i) {
      brood_msg *msg = NULL;
      uint64_t index = 0;
      OK(brood_stream_next(stream, LONG_MS, NULL, &index, &msg, NULL));
      assert_int_equal(index, i);
      int64_t value;
      memcpy(&value, brood_msg_data(msg), sizeof value);
      assert_int_equal(value, i * i);
      brood_msg_free(msg);
    }
    brood_stream_free(stream);
    brood_pool_stats stats = BROOD_POOL_STATS_INIT;
    OK(brood_pool_get_stats(pool, &stats, NULL));
    assert_int_equal(stats.done, kCount);
    assert_true(stats.workers_started >= kCount / each);
    assert_int_equal(stats.lost, 0);
    end_pool(pool);
  }
}

static void promise_19_every_future_ends_whatever_happens(void **state) {
  (void)state;
  for (int way = 0; way < 3; ++way) {
    brood_pool *pool = make_pool(2);
    brood_future *futures[50];
    for (int64_t i = 0; i < 50; ++i)
      futures[i] = submit(pool, way == 0 ? "square" : "hang", &i, sizeof i);
    if (way == 0) OK(brood_pool_shutdown(pool, NULL));
    if (way == 1) OK(brood_pool_terminate(pool, NULL));
    if (way == 2) brood_pool_free(pool);
    for (int i = 0; i < 50; ++i) {
      brood_msg *msg = NULL;
      const brood_status status = brood_future_result(futures[i], LONG_MS, NULL, &msg, NULL);
      assert_int_equal(status, way == 0 ? BROOD_OK : BROOD_E_CANCELED);
      brood_msg_free(msg);
      brood_future_free(futures[i]);
    }
    if (way == 2) continue;
    OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
    brood_pool_free(pool);
  }
}

static void promise_27_a_failure_that_nobody_read_is_reported_once(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_future_free(submit(pool, "refuse", NULL, 0));
  assert_int_equal(call_int(pool, "square", 1), 1);
  OK(brood_pool_shutdown(pool, NULL));
  FAILS(BROOD_E_REMOTE, brood_pool_join(pool, LONG_MS, NULL, NULL));
  SAYS("this is refused");
  OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
  brood_pool_free(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_1_a_killed_worker_costs_its_task_and_no_other),
      cmocka_unit_test(promise_2_a_segfault_in_a_map_is_item_7s_alone),
      cmocka_unit_test(promise_3_every_way_to_fail_is_that_futures_alone),
      cmocka_unit_test(a_retry_runs_the_task_again),
      cmocka_unit_test(a_pool_retries_unless_told_not_to),
      cmocka_unit_test(promise_17_a_failing_initializer_fails_the_pool),
      cmocka_unit_test(a_crash_loop_breaks_the_pool),
      cmocka_unit_test(promise_18_workers_of_few_tasks_lose_none),
      cmocka_unit_test(promise_19_every_future_ends_whatever_happens),
      cmocka_unit_test(promise_27_a_failure_that_nobody_read_is_reported_once),
  };
  return RUN_TESTS("crash", tests);
}
