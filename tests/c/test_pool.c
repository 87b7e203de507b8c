/* Pools: submit, call, futures, messages of every size, errors, brackets, statistics. */
#include <unistd.h>

#include "functions.h"

static void submits_and_returns(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_future *futures[100];
  for (int64_t i = 0; i < 100; ++i) futures[i] = submit(pool, "square", &i, sizeof i);
  for (int64_t i = 0; i < 100; ++i) assert_int_equal(int_result(futures[i]), i * i);
  end_pool(pool);
}

static void runs_in_other_processes(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  const int64_t pid = call_int(pool, "pid", 0);
  assert_int_not_equal(pid, getpid());
  assert_true(pid > 0);
  const int64_t number = call_int(pool, "worker_number", 0);
  assert_true(number == 0 || number == 1);
  assert_int_equal(brood_worker_id(), -1);
  assert_false(brood_is_worker());
  end_pool(pool);
}

static void keeps_messages_of_every_size(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  const size_t sizes[] = {0,      1,    7,    8,    9,     63,    64,      65,
                          4095,   8191, 8192, 8193, 65536, 65537, 1 << 20, (1 << 20) + 1,
                          9 << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const size_t size = sizes[i];
    unsigned char *bytes = malloc(size + 1);
    for (size_t k = 0; k < size; ++k) bytes[k] = (unsigned char)(k * 7 + k / 256);
    brood_msg *msg = NULL;
    OK(brood_pool_call(pool, "echo", size ? bytes : NULL, size, NULL, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), size);
    assert_non_null(brood_msg_data(msg));
    assert_int_equal((uintptr_t)brood_msg_data(msg) % 8, 0);
    assert_memory_equal(brood_msg_data(msg), bytes, size);
    brood_msg_free(msg);
    free(bytes);
  }
  end_pool(pool);
}

static void takes_results_up_to_a_gigabyte(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  const int64_t sizes[] = {100, 10 << 20, 1 << 30};
  for (int i = 0; i < 3; ++i) {
    brood_msg *msg = NULL;
    OK(brood_pool_call(pool, "big", &sizes[i], sizeof sizes[i], NULL, 4 * LONG_MS, NULL, &msg,
                       NULL));
    assert_int_equal(brood_msg_size(msg), sizes[i]);
    const unsigned char *bytes = brood_msg_data(msg);
    for (size_t at = 0; at < (size_t)sizes[i]; at += 4093)
      assert_int_equal(bytes[at], (unsigned char)(at * 31 + at / 4096));
    brood_msg_free(msg);
  }
  end_pool(pool);
}

static void keeps_the_codec(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.codec = BROOD_CODEC_MSGPACK;
  brood_msg *msg = NULL;
  OK(brood_pool_call(pool, "echo", "\xc0", 1, &options, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_codec(msg), BROOD_CODEC_MSGPACK);
  brood_msg_free(msg);
  end_pool(pool);
}

static void submits_messages(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  for (size_t size = 1; size < (4 << 20); size = size * 5 + 3) {
    brood_msg *args = NULL, *result = NULL;
    OK(brood_msg_create(NULL, size, BROOD_CODEC_TEXT, &args, NULL));
    memset(brood_msg_data(args), 'a', size);
    brood_future *future = NULL;
    OK(brood_pool_submit_msg(pool, "echo", args, NULL, &future, NULL));
    OK(brood_future_result(future, LONG_MS, NULL, &result, NULL));
    assert_int_equal(brood_msg_size(result), size);
    assert_int_equal(brood_msg_codec(result), BROOD_CODEC_TEXT);
    assert_int_equal(((char *)brood_msg_data(result))[size - 1], 'a');
    /* A result can be sent on: the second time round it lies in a chunk already. */
    brood_future_free(future);
    brood_submit_options other_codec = BROOD_SUBMIT_OPTIONS_INIT;
    OK(brood_pool_submit_msg(pool, "echo", result, &other_codec, &future, NULL));
    OK(brood_future_result(future, LONG_MS, NULL, &result, NULL));
    assert_int_equal(brood_msg_size(result), size);
    assert_int_equal(brood_msg_codec(result), BROOD_CODEC_TEXT);
    brood_msg_free(result);
    brood_future_free(future);
  }
  end_pool(pool);
}

static void cancel_tokens_travel_with_messages(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_msg *args = NULL;
  OK(brood_msg_create("x", 1, BROOD_CODEC_RAW, &args, NULL));
  OK(brood_msg_attach(args, brood_cancel_handle(cancel), NULL));
  assert_int_equal(brood_msg_handle_count(args), 1);
  brood_future *future = NULL;
  OK(brood_pool_submit_msg(pool, "wait_for_token", args, NULL, &future, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_future_wait(future, 50, NULL, NULL));
  brood_cancel_fire(cancel);
  assert_int_equal(int_result(future), 0);
  brood_cancel_free(cancel);
  end_pool(pool);
}

static void reports_a_functions_failure(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_future *future = submit(pool, "refuse", NULL, 0);
  brood_msg *msg = NULL;
  brood_error *error = NULL;
  FAILS(BROOD_E_REMOTE, brood_future_result(future, LONG_MS, NULL, &msg, &error));
  assert_null(msg);
  assert_int_equal(brood_error_code(error), BROOD_E_REMOTE);
  assert_string_equal(brood_error_kind(error), "test.Refusal");
  assert_string_equal(brood_error_message(error), "this is refused");
  assert_string_equal(brood_error_traceback(error), "at refuse, line 1");
  assert_true(brood_error_pid(error) > 0);
  brood_error *copy = brood_error_copy(error);
  brood_error_free(error);
  assert_string_equal(brood_error_kind(copy), "test.Refusal");
  brood_error_free(copy);
  brood_future_free(future);
  assert_int_equal(call_int(pool, "square", 3), 9);
  end_pool(pool);
}

static void names_the_functions_that_there_are(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_NO_FUNCTION,
        brood_pool_call(pool, "squaer", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  SAYS("squaer");
  SAYS("square");
  end_pool(pool);
}

static void an_answer_counts_once(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_msg *msg = NULL;
  OK(brood_pool_call(pool, "twice", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  assert_memory_equal(brood_msg_data(msg), "1", 1);
  brood_msg_free(msg);
  /* No answer at all is an empty one. */
  OK(brood_pool_call(pool, "nothing", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), 0);
  brood_msg_free(msg);
  end_pool(pool);
}

static void a_result_is_taken_once(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_future *future = submit(pool, "square", NULL, 0);
  brood_msg *msg = NULL;
  OK(brood_future_wait(future, LONG_MS, NULL, NULL));
  assert_true(brood_future_done(future));
  OK(brood_future_result(future, 0, NULL, &msg, NULL));
  brood_msg_free(msg);
  FAILS(BROOD_E_STATE, brood_future_result(future, 0, NULL, &msg, NULL));
  SAYS("taken");
  brood_future_free(future);
  end_pool(pool);
}

static void functions_have_their_context(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  assert_int_equal(call_int(pool, "context_value", 0), 4711);
  end_pool(pool);
}

static void initializer_and_finalizer_run_in_each_worker(void **state) {
  (void)state;
  char note[] = "/tmp/brood-note-XXXXXX";
  const int fd = mkstemp(note);
  assert_true(fd >= 0);
  char variable[128];
  snprintf(variable, sizeof variable, "NOTE_PATH=%s", note);
  const char *env[] = {variable, NULL};
  const int64_t argument = 42;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 3;
  options.initializer = "start_well";
  options.initializer_data = &argument;
  options.initializer_size = sizeof argument;
  options.finalizer = "leave_note";
  options.env = env;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  for (int i = 0; i < 30; ++i) assert_int_equal(call_int(pool, "how_started", 0), 42);
  int64_t pids[3];
  while (worker_pids(pool, pids, 3) < 3) call_int(pool, "square", 0);
  end_pool(pool);
  FILE *file = fdopen(fd, "r");
  int lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  unlink(note);
  assert_int_equal(lines, 3);
}

static void an_initializer_takes_handles(void **state) {
  (void)state;
  const int64_t argument = 7;
  brood_event *event = NULL;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  options.initializer = "start_with_event";
  OK(brood_event_create(&event, NULL));
  OK(brood_msg_create(&argument, sizeof argument, BROOD_CODEC_MSGPACK, &options.initializer_msg,
                      NULL));
  OK(brood_msg_attach(options.initializer_msg, brood_event_handle(event), NULL));
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  brood_msg_free(options.initializer_msg); /* the pool has its own for workers to come */
  OK(brood_event_wait(event, LONG_MS, NULL, NULL));
  brood_event_clear(event);
  assert_int_equal(call_int(pool, "how_started", 0), BROOD_CODEC_MSGPACK * 100 + 7);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_WORKER_LOST,
        brood_pool_call(pool, "segfault", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  OK(brood_event_wait(event, LONG_MS, NULL, NULL));
  brood_event_free(event);
  end_pool(pool);
}

static void counts_what_happened(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  for (int i = 0; i < 10; ++i) call_int(pool, "square", i);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_REMOTE, brood_pool_call(pool, "refuse", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_WORKER_LOST,
        brood_pool_call(pool, "segfault", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.done, 10);
  assert_int_equal(stats.failed, 2);
  assert_int_equal(stats.lost, 1);
  assert_int_equal(stats.pending, 0);
  assert_int_equal(stats.workers_started, 3);
  brood_worker_info workers[2];
  size_t count = 0;
  OK(brood_pool_workers(pool, workers, 2, &count, NULL));
  assert_true(count == 2);
  end_pool(pool);
}

static int called_back = 0;
static void on_done(brood_future *future, void *context) {
  brood_msg *msg = NULL;
  if (brood_future_result(future, 0, NULL, &msg, NULL) != BROOD_OK) return;
  memcpy(context, brood_msg_data(msg), sizeof(int64_t));
  brood_msg_free(msg);
  __atomic_add_fetch(&called_back, 1, __ATOMIC_RELEASE);
}
static bool was_called_back(void *context) {
  return __atomic_load_n(&called_back, __ATOMIC_ACQUIRE) == *(int *)context;
}
static void calls_back_when_done(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  int64_t argument = 6, value = 0;
  int once = 1, again = 2;
  brood_future *future = submit(pool, "square", &argument, sizeof argument);
  OK(brood_future_then(future, on_done, &value, NULL));
  assert_true(eventually(was_called_back, &once));
  assert_int_equal(value, 36);
  brood_future_free(future);
  future = submit(pool, "square", &argument, sizeof argument);
  OK(brood_future_wait(future, LONG_MS, NULL, NULL));
  OK(brood_future_then(future, on_done, &value, NULL)); /* at once */
  assert_true(was_called_back(&again));
  brood_future_free(future);
  end_pool(pool);
}

static void count_end(brood_future *future, void *context) {
  (void)future;
  __atomic_add_fetch((int *)context, 1, __ATOMIC_RELEASE);
}
struct ends {
  int so_far;
  int wanted;
};
static bool all_ended(void *context) {
  struct ends *ends = context;
  return __atomic_load_n(&ends->so_far, __ATOMIC_ACQUIRE) == ends->wanted;
}
/* A cancel at any moment: also one that finds the result before the pool's own thread does. */
static void calls_back_whenever_cancel_comes(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  struct ends ends = {0, 0};
  for (int i = 0; i < 200; ++i) {
    int64_t argument = 6;
    brood_future *future = submit(pool, "square", &argument, sizeof argument);
    OK(brood_future_then(future, count_end, &ends.so_far, NULL));
    for (volatile int turn = 0; turn < i * 100; ++turn) {
    }
    const brood_status status = brood_future_cancel(future, NULL);
    assert_true(status == BROOD_OK || status == BROOD_E_STATE);
    ++ends.wanted;
    assert_true(eventually(all_ended, &ends));
    brood_future_free(future);
  }
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(submits_and_returns),
      cmocka_unit_test(runs_in_other_processes),
      cmocka_unit_test(keeps_messages_of_every_size),
      cmocka_unit_test(takes_results_up_to_a_gigabyte),
      cmocka_unit_test(keeps_the_codec),
      cmocka_unit_test(submits_messages),
      cmocka_unit_test(cancel_tokens_travel_with_messages),
      cmocka_unit_test(reports_a_functions_failure),
      cmocka_unit_test(names_the_functions_that_there_are),
      cmocka_unit_test(an_answer_counts_once),
      cmocka_unit_test(a_result_is_taken_once),
      cmocka_unit_test(functions_have_their_context),
      cmocka_unit_test(initializer_and_finalizer_run_in_each_worker),
      cmocka_unit_test(an_initializer_takes_handles),
      cmocka_unit_test(counts_what_happened),
      cmocka_unit_test(calls_back_when_done),
      cmocka_unit_test(calls_back_whenever_cancel_comes),
  };
  return RUN_TESTS("pool", tests);
}
