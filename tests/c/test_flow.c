/* Back-pressure, sharing work out, nesting, many pools: promises 14, 20, 21. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "functions.h"

static void max_pending_holds_submitters_back(void **state) {
  (void)state;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  options.max_pending = 3;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  brood_future *futures[3];
  for (int i = 0; i < 3; ++i) futures[i] = submit(pool, "hang", NULL, 0);
  brood_future *more = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_pool_submit(pool, "square", NULL, 0, NULL, &more, NULL));
  SAYS("max_pending");
  brood_submit_options wait = BROOD_SUBMIT_OPTIONS_INIT;
  wait.wait_ms = 20;
  FAILS(BROOD_E_TIMEOUT, brood_pool_submit(pool, "square", NULL, 0, &wait, &more, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  wait.wait_ms = BROOD_FOREVER;
  wait.cancel = cancel;
  FAILS(BROOD_E_CANCELED, brood_pool_submit(pool, "square", NULL, 0, &wait, &more, NULL));
  brood_cancel_reset(cancel);
  OK(brood_future_cancel(futures[2], NULL));
  OK(brood_pool_submit(pool, "square", NULL, 0, &wait, &more, NULL));
  OK(brood_future_cancel(futures[1], NULL));
  OK(brood_future_cancel(futures[0], NULL));
  assert_int_equal(int_result(more), 0);
  /* Far more than fit, one after the other. */
  brood_future *window[3] = {NULL, NULL, NULL};
  for (int64_t i = 0; i < 1000; ++i) {
    if (window[i % 3]) assert_int_equal(int_result(window[i % 3]), (i - 3) * (i - 3));
    OK(brood_pool_submit(pool, "square", &i, sizeof i, &wait, &window[i % 3], NULL));
  }
  for (int i = 0; i < 3; ++i) brood_future_free(window[i]);
  for (int i = 0; i < 3; ++i) brood_future_free(futures[i]);
  brood_cancel_free(cancel);
  end_pool(pool);
}

static void no_task_waits_behind_a_long_one(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  call_int(pool, "square", 1);
  /* One worker is blocked for good; whatever was sent to it behind that must come back. */
  brood_future *hanging = submit(pool, "hang", NULL, 0);
  brood_future *futures[500];
  for (int64_t i = 0; i < 500; ++i) futures[i] = submit(pool, "square", &i, sizeof i);
  for (int64_t i = 0; i < 500; ++i) assert_int_equal(int_result(futures[i]), i * i);
  OK(brood_future_cancel(hanging, NULL));
  brood_future_free(hanging);
  end_pool(pool);
}

static void no_item_waits_behind_a_long_one_of_its_chunk(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  call_int(pool, "square", 1);
  int64_t values[200];
  brood_bytes items[200];
  for (int64_t i = 0; i < 200; ++i) {
    values[i] = i;
    items[i] = (brood_bytes){&values[i], sizeof values[i]};
  }
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.chunk = 100;
  options.unordered = true;
  options.on_error = BROOD_ON_ERROR_COLLECT;
  brood_stream *stream = NULL;
  OK(brood_pool_map(pool, "hang_on_7", items, 200, &options, &stream, NULL));
  for (int i = 0; i < 199; ++i) {
    brood_msg *msg = NULL;
    uint64_t index = 0;
    OK(brood_stream_next(stream, LONG_MS, NULL, &index, &msg, NULL));
    assert_int_not_equal(index, 7);
    brood_msg_free(msg);
  }
  brood_stream_free(stream);
  end_pool(pool);
}

static void promise_20_workers_may_have_workers(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  assert_int_equal(call_int(pool, "nested", 3), 103);
  end_pool(pool);
}

static void promise_20_but_not_for_ever(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  int64_t deep = 10;
  brood_msg *msg = NULL;
  FAILS(BROOD_E_REMOTE,
        brood_pool_call(pool, "nested", &deep, sizeof deep, NULL, 3 * LONG_MS, NULL, &msg, NULL));
  SAYS("10 levels");
  end_pool(pool);
}

static void promise_21_the_pool_fits_the_affinity(void **state) {
  (void)state;
  cpu_set_t all, one;
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(brood_cpu_count(), 1);
  brood_pool *pool = make_pool(0);
  call_int(pool, "square", 1);
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.workers_started, 1);
  end_pool(pool);
  assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

static int count_entries(const char *path) {
  DIR *folder = opendir(path);
  int count = 0;
  while (folder && readdir(folder)) ++count;
  if (folder) closedir(folder);
  return count;
}

static bool no_more_than(void *context) {
  const int *baseline = context;
  return count_entries("/proc/self/fd") <= baseline[0] &&
         count_entries("/proc/self/task") <= baseline[1];
}

static long resident_pages(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long whole = 0, resident = 0;
  if (file && fscanf(file, "%ld %ld", &whole, &resident) != 2) resident = -1;
  if (file) fclose(file);
  return resident;
}

static void promise_14_pools_leave_nothing_in_the_host(void **state) {
  (void)state;
  for (int i = 0; i < 50; ++i) {
    brood_pool *pool = make_pool(1);
    if (i % 2) call_int(pool, "square", i);
    end_pool(pool);
  }
  const int fds = count_entries("/proc/self/fd");
  const int threads = count_entries("/proc/self/task");
  const long pages = resident_pages();
  for (int i = 0; i < 950; ++i) {
    brood_pool *pool = make_pool(1);
    if (i % 2) call_int(pool, "square", i);
    end_pool(pool);
  }
  /* A pool's last reference goes on brood's own thread, a moment after the join. */
  int baseline[] = {fds, threads};
  assert_true(eventually(no_more_than, baseline));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which keep what was freed \
                                                                     */
  assert_true(resident_pages() - pages < 256);                      /* 1 MiB */
#else
  (void)pages;
#endif
}

/* Time on a CPU of all its threads, exact where the clock's ticks are only samples. */
/* What was sent and taken back fills the lane until the worker has passed it. */
static void a_task_behind_cancelled_ones_finds_its_worker(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  call_int(pool, "square", 1);
  char path[] = "/tmp/brood-gate-XXXXXX";
  close(mkstemp(path));
  unlink(path);
  int64_t pids[1];
  assert_int_equal(worker_pids(pool, pids, 1), 1);
  brood_future *running = submit(pool, "wait_for_file", path, sizeof path);
  assert_true(is_waiting_for_file(path, pids[0]));
  enum { TASKS = 100 };
  static char large[4096];
  brood_future *queued[TASKS];
  for (int i = 0; i < TASKS; ++i) queued[i] = submit(pool, "nothing", large, sizeof large);
  for (int i = 0; i < TASKS; ++i) OK(brood_future_cancel(queued[i], NULL));
  const int64_t seven = 7;
  brood_future *last = submit(pool, "square", &seven, sizeof seven);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  assert_int_equal(int_result(last), 49);
  for (int i = 0; i < TASKS; ++i) brood_future_free(queued[i]);
  OK(brood_future_wait(running, LONG_MS, NULL, NULL));
  brood_future_free(running);
  unlink(path);
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(max_pending_holds_submitters_back),
      cmocka_unit_test(no_task_waits_behind_a_long_one),
      cmocka_unit_test(a_task_behind_cancelled_ones_finds_its_worker),
      cmocka_unit_test(no_item_waits_behind_a_long_one_of_its_chunk),
      cmocka_unit_test(promise_20_workers_may_have_workers),
      cmocka_unit_test(promise_20_but_not_for_ever),
      cmocka_unit_test(promise_21_the_pool_fits_the_affinity),
      cmocka_unit_test(promise_14_pools_leave_nothing_in_the_host),
  };
  return RUN_TESTS("flow", tests);
}
