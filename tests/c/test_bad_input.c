/* Every bad input is its own documented status, with a message that says what would be right. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"

static void nothing_works_before_init(void) {
  /* Runs before test_begin(): a plain check, no test yet. */
  brood_pool *pool = NULL;
  brood_error *error = NULL;
  const brood_status status = brood_pool_create(NULL, &pool, &error);
  if (status != BROOD_E_STATE || !strstr(brood_error_message(error), "brood_init")) {
    fprintf(stderr, "a pool before brood_init(): %s: %s\n", brood_status_name(status),
            brood_error_message(error));
    exit(98);
  }
  brood_error_free(error);
}

static void init_is_called_once(void **state) {
  (void)state;
  FAILS(BROOD_E_STATE, brood_init(0, NULL, NULL, NULL));
  SAYS("once");
}

static void ignore(brood_task *task, void *context) {
  (void)task;
  (void)context;
}

static void registering_is_checked(void **state) {
  (void)state;
  FAILS(BROOD_E_STATE, brood_register("late", ignore, NULL, NULL));
  SAYS("before brood_init");
  FAILS(BROOD_E_INVALID, brood_register(NULL, ignore, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_register("", ignore, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_register("x", NULL, NULL, NULL));
  char name[300];
  memset(name, 'x', sizeof name);
  name[256] = 0;
  FAILS(BROOD_E_INVALID, brood_register(name, ignore, NULL, NULL));
  SAYS("255");
}

static void option_sizes_are_checked(void **state) {
  (void)state;
  brood_pool *pool = NULL;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.struct_size = 0;
  FAILS(BROOD_E_INVALID, brood_pool_create(&options, &pool, NULL));
  SAYS("_INIT");
  struct {
    brood_pool_options known;
    uint64_t unknown;
  } longer = {BROOD_POOL_OPTIONS_INIT, 0};
  longer.known.struct_size = sizeof longer;
  longer.known.workers = 1;
  OK(brood_pool_create(&longer.known, &pool, NULL));
  brood_pool_free(pool);
  longer.unknown = 1;
  FAILS(BROOD_E_UNSUPPORTED, brood_pool_create(&longer.known, &pool, NULL));
  /* An older, shorter struct: what it does not have is the default. */
  brood_pool_options shorter = BROOD_POOL_OPTIONS_INIT;
  shorter.struct_size = offsetof(brood_pool_options, max_tasks_per_worker);
  shorter.workers = 1;
  shorter.max_tasks_per_worker = 1;
  OK(brood_pool_create(&shorter, &pool, NULL));
  const int64_t first = call_int(pool, "pid", 0);
  assert_int_equal(call_int(pool, "pid", 0), first);
  end_pool(pool);
}

static void pool_options_are_checked(void **state) {
  (void)state;
  brood_pool *pool = NULL;
  FAILS(BROOD_E_INVALID, brood_pool_create(NULL, NULL, NULL));
  const char *no_command[] = {NULL};
  const char *bad_env[] = {"NOT AN ENTRY", NULL};
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
#define REFUSED(field, value)                                     \
  do {                                                            \
    brood_pool_options bad = options;                             \
    bad.field = value;                                            \
    FAILS(BROOD_E_INVALID, brood_pool_create(&bad, &pool, NULL)); \
  } while (0)
  REFUSED(workers, 100000);
  REFUSED(retries, -1);
  REFUSED(name, "");
  REFUSED(initializer, "");
  REFUSED(initializer_size, 5);
  brood_msg *msg = NULL;
  OK(brood_msg_create("x", 1, 0, &msg, NULL));
  REFUSED(initializer_msg, msg);
  options.initializer = "start_well";
  options.initializer_msg = msg;
  options.initializer_data = "x";
  REFUSED(initializer_size, 1);
  options = (brood_pool_options)BROOD_POOL_OPTIONS_INIT;
  brood_msg_free(msg);
  REFUSED(command, no_command);
  REFUSED(env, bad_env);
  SAYS("NAME=value");
  REFUSED(cwd, "");
  REFUSED(limits.core_bytes, -2);
  REFUSED(limits.nice, 100);
  REFUSED(limits.cpu_count, 1);
#undef REFUSED
}

static void calls_are_checked(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_future *future = NULL;
  brood_msg *msg = NULL;
  size_t index = 0;
  FAILS(BROOD_E_INVALID, brood_pool_submit(NULL, "square", NULL, 0, NULL, &future, NULL));
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, NULL, NULL, 0, NULL, &future, NULL));
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "", NULL, 0, NULL, &future, NULL));
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "square", NULL, 8, NULL, &future, NULL));
  SAYS("NULL goes with 0");
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "square", NULL, 0, NULL, NULL, NULL));
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = -1;
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "square", NULL, 0, &options, &future, NULL));
  options.run_limit_ms = 0;
  options.retries = -2;
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "square", NULL, 0, &options, &future, NULL));
  options.retries = 0;
  options.wait_ms = -2;
  FAILS(BROOD_E_INVALID, brood_pool_submit(pool, "square", NULL, 0, &options, &future, NULL));
  SAYS("BROOD_FOREVER");
  future = submit(pool, "square", NULL, 0);
  FAILS(BROOD_E_INVALID, brood_future_result(future, -2, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_future_result(future, 0, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_future_result(NULL, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_wait(NULL, 0, 0, NULL, &index, NULL));
  brood_handle *none[] = {NULL};
  FAILS(BROOD_E_INVALID, brood_wait(none, 1, 0, NULL, &index, NULL));
  FAILS(BROOD_E_STATE, brood_pool_join(pool, 0, NULL, NULL));
  SAYS("brood_pool_shutdown");
  brood_task *task = NULL;
  FAILS(BROOD_E_STATE, brood_worker_next(0, NULL, &task, NULL));
  SAYS("no worker");
  brood_bytes bad = {NULL, 3};
  brood_stream *stream = NULL;
  FAILS(BROOD_E_INVALID, brood_pool_map(pool, "square", &bad, 1, NULL, &stream, NULL));
  SAYS("item 0");
  brood_stream_options stream_options = BROOD_STREAM_OPTIONS_INIT;
  stream_options.on_error = 9;
  FAILS(BROOD_E_INVALID, brood_pool_map(pool, "square", NULL, 0, &stream_options, &stream, NULL));
  OK(brood_pool_map(pool, "square", NULL, 0, NULL, &stream, NULL));
  brood_msg *msgs[1];
  size_t taken = 0;
  FAILS(BROOD_E_INVALID, brood_stream_next_many(stream, 0, 0, NULL, NULL, msgs, &taken, NULL));
  SAYS("capacity is 0");
  FAILS(BROOD_E_INVALID, brood_stream_next_many(stream, 1, 0, NULL, NULL, NULL, &taken, NULL));
  FAILS(BROOD_E_INVALID, brood_stream_next_many(stream, 1, 0, NULL, NULL, msgs, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_stream_next_many(stream, 1, -2, NULL, NULL, msgs, &taken, NULL));
  FAILS(BROOD_E_CLOSED, brood_stream_next_many(stream, 1, 0, NULL, NULL, msgs, &taken, NULL));
  brood_stream_free(stream);
  stream_options.on_error = 0;
  stream_options.chunk = 5;
  FAILS(BROOD_E_INVALID, brood_stream_create(pool, "square", &stream_options, &stream, NULL));
  brood_future_free(future);
  end_pool(pool);
}

static void use_after_shutdown_is_closed(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  OK(brood_pool_shutdown(pool, NULL));
  brood_future *future = NULL;
  brood_stream *stream = NULL;
  FAILS(BROOD_E_CLOSED, brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL));
  SAYS("shut down");
  brood_bytes item = {"x", 1};
  FAILS(BROOD_E_CLOSED, brood_pool_map(pool, "square", &item, 1, NULL, &stream, NULL));
  OK(brood_pool_shutdown(pool, NULL));
  OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
  OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
  OK(brood_pool_terminate(pool, NULL));
  brood_pool_free(pool);
}

static void null_is_harmless(void **state) {
  (void)state;
  brood_pool_free(NULL);
  brood_future_free(NULL);
  brood_stream_free(NULL);
  brood_msg_free_many(NULL, 3);
  brood_msg_free(NULL);
  brood_task_free(NULL);
  brood_cancel_free(NULL);
  brood_cancel_fire(NULL);
  brood_completions_free(NULL);
  brood_process_free(NULL);
  brood_error_free(NULL);
  assert_null(brood_msg_data(NULL));
  assert_int_equal(brood_msg_size(NULL), 0);
  assert_null(brood_future_handle(NULL));
  assert_string_equal(brood_error_message(NULL), "");
  assert_int_equal(brood_error_code(NULL), BROOD_OK);
  assert_string_equal(brood_status_name(BROOD_E_TIMEOUT), "BROOD_E_TIMEOUT");
  assert_string_equal(brood_status_name(-12345), "BROOD_E_?");
}

static void messages_are_checked(void **state) {
  (void)state;
  brood_msg *msg = NULL;
  FAILS(BROOD_E_INVALID, brood_msg_create("x", 1, 0, NULL, NULL));
  OK(brood_msg_create(NULL, 10, BROOD_CODEC_TEXT, &msg, NULL));
  for (int i = 0; i < 10; ++i) assert_int_equal(((char *)brood_msg_data(msg))[i], 0);
  brood_cancel *cancel = NULL, *taken = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  for (int i = 0; i < 16; ++i) OK(brood_msg_attach(msg, brood_cancel_handle(cancel), NULL));
  FAILS(BROOD_E_TOO_BIG, brood_msg_attach(msg, brood_cancel_handle(cancel), NULL));
  assert_int_equal(brood_msg_handle_type(msg, 3), BROOD_HANDLE_CANCEL);
  OK(brood_msg_take_cancel(msg, 3, &taken, NULL));
  assert_int_equal(brood_msg_handle_type(msg, 3), BROOD_HANDLE_NONE);
  assert_int_equal(brood_msg_handle_type(msg, 16), BROOD_HANDLE_NONE);
  assert_int_equal(brood_msg_handle_type(NULL, 0), BROOD_HANDLE_NONE);
  brood_cancel_fire(cancel);
  assert_true(brood_cancel_fired(taken));
  brood_cancel_free(taken);
  FAILS(BROOD_E_STATE, brood_msg_take_cancel(msg, 3, &taken, NULL));
  FAILS(BROOD_E_INVALID, brood_msg_take_cancel(msg, 16, &taken, NULL));
  brood_msg_free(msg);
  brood_cancel_free(cancel);
}

static void a_forked_child_is_refused(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_future *future = submit(pool, "square", NULL, 0);
  OK(brood_future_wait(future, LONG_MS, NULL, NULL));
  const pid_t child = fork();
  if (child == 0) {
    brood_msg *msg = NULL;
    brood_future *other = NULL;
    int wrong = brood_future_result(future, 0, NULL, &msg, NULL) != BROOD_E_FORKED;
    wrong |= brood_pool_submit(pool, "square", NULL, 0, NULL, &other, NULL) != BROOD_E_FORKED;
    brood_future_free(future);
    brood_pool_free(pool);
    brood_shutdown();
    _exit(wrong);
  }
  int status = -1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_int_equal(int_result(future), 0);
  assert_int_equal(call_int(pool, "square", 3), 9);
  end_pool(pool);
}

static void a_program_that_is_no_worker_is_told_of(void **state) {
  (void)state;
  const char *command[] = {"/bin/true", NULL};
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  options.command = command;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  brood_future *future = NULL;
  brood_msg *msg = NULL;
  brood_status status = brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL);
  if (status == BROOD_OK) status = brood_future_result(future, LONG_MS, NULL, &msg, NULL);
  assert_int_equal(status, BROOD_E_INIT_FAILED);
  SAYS("brood_init() first in main()");
  brood_future_free(future);
  brood_pool_free(pool);

  const char *missing[] = {"/no/such/program", NULL};
  options.command = missing;
  OK(brood_pool_create(&options, &pool, NULL));
  status = brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL);
  if (status == BROOD_OK) status = brood_future_result(future, LONG_MS, NULL, &msg, NULL);
  assert_int_equal(status, BROOD_E_INIT_FAILED);
  SAYS("/no/such/program");
  brood_future_free(future);
  brood_pool_free(pool);
}

int main(int argc, char **argv) {
  if (!getenv("BROOD_HANDOFF")) nothing_works_before_init();
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(init_is_called_once),
      cmocka_unit_test(registering_is_checked),
      cmocka_unit_test(option_sizes_are_checked),
      cmocka_unit_test(pool_options_are_checked),
      cmocka_unit_test(calls_are_checked),
      cmocka_unit_test(use_after_shutdown_is_closed),
      cmocka_unit_test(null_is_harmless),
      cmocka_unit_test(messages_are_checked),
      cmocka_unit_test(a_forked_child_is_refused),
      cmocka_unit_test(a_program_that_is_no_worker_is_told_of),
  };
  return RUN_TESTS("bad input", tests);
}
