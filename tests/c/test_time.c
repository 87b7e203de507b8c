/* Run limits and cancelling: promises 8 and 9. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"

static void expect_timeout(brood_future *future) {
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TASK_TIMEOUT, brood_future_result(future, LONG_MS, NULL, &msg, NULL));
  SAYS("200 ms");
  brood_future_free(future);
}

static void promise_8_a_task_over_its_limit_is_ended(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  call_int(pool, "square", 1);
  const char *ways[] = {"hang", "spin", "stop_self"};
  for (int i = 0; i < 3; ++i) {
    const int64_t before = now_ms();
    brood_future *future = submit_limited(pool, ways[i], 200);
    OK(brood_future_wait(future, LONG_MS, NULL, NULL));
    const int64_t took = now_ms() - before;
    if (took > 400) print_message("%s was ended after %d ms\n", ways[i], (int)took);
    assert_true(took >= 200);
    expect_timeout(future);
    assert_int_equal(call_int(pool, "square", 9), 81);
  }
  end_pool(pool);
}

static void the_limit_counts_from_the_tasks_own_start(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  /* Both wait behind another that takes its own 200 ms. */
  brood_future *first = submit_limited(pool, "hang", 200);
  brood_future *second = submit_limited(pool, "hang", 200);
  const int64_t three = 3;
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = 200;
  brood_future *third = NULL;
  OK(brood_pool_submit(pool, "square", &three, sizeof three, &options, &third, NULL));
  expect_timeout(first);
  expect_timeout(second);
  assert_int_equal(int_result(third), 9);
  end_pool(pool);
}

static bool file_has_text(void *path) {
  FILE *file = fopen(path, "r");
  char line[32] = "";
  const bool read = file && fgets(line, sizeof line, file) && strchr(line, '\n');
  if (file) fclose(file);
  return read;
}
static bool is_gone(void *pid) { return process_is_gone(*(int64_t *)pid); }

static void promise_8_the_process_tree_goes_too(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  char path[] = "/tmp/brood-child-XXXXXX";
  close(mkstemp(path));
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = 200;
  brood_future *future = NULL;
  OK(brood_pool_submit(pool, "grandchild_then_hang", path, sizeof path, &options, &future, NULL));
  assert_true(eventually(file_has_text, path));
  FILE *file = fopen(path, "r");
  long pid = 0;
  assert_int_equal(fscanf(file, "%ld", &pid), 1);
  fclose(file);
  unlink(path);
  int64_t grandchild = pid;
  expect_timeout(future);
  assert_true(eventually(is_gone, &grandchild));
  end_pool(pool);
}

static void limits_in_a_map_are_each_items_own(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  int64_t values[100];
  brood_bytes items[100];
  for (int64_t i = 0; i < 100; ++i) {
    values[i] = i;
    items[i] = (brood_bytes){&values[i], sizeof values[i]};
  }
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.on_error = BROOD_ON_ERROR_COLLECT;
  options.run_limit_ms = 200;
  options.chunk = 20;
  brood_stream *stream = NULL;
  OK(brood_pool_map(pool, "hang_on_7", items, 100, &options, &stream, NULL));
  for (int64_t i = 0; i < 100; ++i) {
    brood_msg *msg = NULL;
    const brood_status status = brood_stream_next(stream, LONG_MS, NULL, NULL, &msg, NULL);
    assert_int_equal(status, i == 7 ? BROOD_E_TASK_TIMEOUT : BROOD_OK);
    brood_msg_free(msg);
  }
  brood_stream_free(stream);
  end_pool(pool);
}

static void promise_9_cancelling_costs_that_task_alone(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  char path[] = "/tmp/brood-never-XXXXXX";
  close(mkstemp(path));
  unlink(path);
  call_int(pool, "square", 1);
  int64_t pids[1];
  assert_int_equal(worker_pids(pool, pids, 1), 1);
  brood_future *running = submit(pool, "wait_for_file", path, sizeof path);
  assert_true(is_waiting_for_file(path, pids[0]));
  brood_future *queued[20];
  for (int64_t i = 0; i < 20; ++i) queued[i] = submit(pool, "square", &i, sizeof i);
  /* Queued: dropped, and the worker lives. */
  brood_msg *msg = NULL;
  OK(brood_future_cancel(queued[5], NULL));
  FAILS(BROOD_E_CANCELED, brood_future_result(queued[5], 0, NULL, &msg, NULL));
  assert_false(process_is_gone(pids[0]));
  /* Running: ended with its worker. */
  OK(brood_future_cancel(running, NULL));
  FAILS(BROOD_E_CANCELED, brood_future_result(running, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_STATE, brood_future_cancel(running, NULL));
  brood_future_free(running);
  brood_future_free(queued[5]);
  for (int64_t i = 0; i < 20; ++i)
    if (i != 5) assert_int_equal(int_result(queued[i]), i * i);
  assert_true(eventually(is_gone, &pids[0]));
  end_pool(pool);
}

static void a_call_that_times_out_is_cancelled(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  call_int(pool, "square", 1);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_pool_call(pool, "hang", NULL, 0, NULL, 50, NULL, &msg, NULL));
  assert_int_equal(call_int(pool, "square", 2), 4);
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_8_a_task_over_its_limit_is_ended),
      cmocka_unit_test(the_limit_counts_from_the_tasks_own_start),
      cmocka_unit_test(promise_8_the_process_tree_goes_too),
      cmocka_unit_test(limits_in_a_map_are_each_items_own),
      cmocka_unit_test(promise_9_cancelling_costs_that_task_alone),
      cmocka_unit_test(a_call_that_times_out_is_cancelled),
  };
  return RUN_TESTS("time", tests);
}
