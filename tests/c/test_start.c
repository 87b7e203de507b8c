/* brood_process_start(): a registered function in a process of its own. */
#include <signal.h>
#include <unistd.h>

#include "functions.h"

/* Fails with what is not so in this worker. */
static void look_at_parent(brood_task *task, void *context) {
  (void)context;
  const char *wrong = NULL;
  brood_handle *parent = brood_parent_handle();
  size_t index = 0;
  if (brood_parent_pid() != (int64_t)strtoll(brood_msg_data(brood_task_args(task)), NULL, 10))
    wrong = "the parent's pid";
  else if (strcmp(brood_current_name(), "watcher") != 0)
    wrong = "the name";
  else if (parent == NULL || brood_parent_handle() != parent)
    wrong = "the handle";
  else if (brood_wait(&parent, 1, 0, NULL, &index, NULL) != BROOD_E_TIMEOUT)
    wrong = "the parent lives, but its handle is ready";
  if (wrong) (void)!brood_task_fail(task, "test.Wrong", wrong, NULL, NULL);
}

static brood_process *start(const char *function, const void *data, size_t size) {
  brood_process *process = NULL;
  OK(brood_process_start(function, data, size, NULL, &process, NULL));
  assert_true(brood_process_pid(process) > 0);
  return process;
}

static void expect_end(brood_process *process, int32_t code, int32_t signal_number) {
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  int32_t got = -7;
  OK(brood_process_exit_code(process, &got, NULL));
  assert_int_equal(got, code);
  OK(brood_process_exit_signal(process, &got, NULL));
  assert_int_equal(got, signal_number);
}

static void exits_with_0_when_the_function_returns(void **state) {
  (void)state;
  const int64_t nine = 9;
  brood_process *process = start("square", &nine, sizeof nine);
  assert_string_equal(brood_process_name(process), "square");
  expect_end(process, 0, 0);
  OK(brood_process_outcome(process, NULL));
  assert_false(brood_process_alive(process));
  brood_process_free(process);
}

static void exits_with_1_when_it_fails(void **state) {
  (void)state;
  brood_process *process = start("refuse", NULL, 0);
  expect_end(process, 1, 0);
  FAILS(BROOD_E_REMOTE, brood_process_outcome(process, NULL));
  SAYS("this is refused");
  brood_process_free(process);
  process = start("no_such_function", NULL, 0);
  expect_end(process, 1, 0);
  FAILS(BROOD_E_NO_FUNCTION, brood_process_outcome(process, NULL));
  SAYS("square");
  brood_process_free(process);
}

static void gives_exit_codes_and_signals(void **state) {
  (void)state;
  const int64_t seven = 7;
  brood_process *process = start("exit_with", &seven, sizeof seven);
  expect_end(process, 7, 0);
  brood_process_free(process);
  process = start("segfault", NULL, 0);
  expect_end(process, -1, SIGSEGV);
  brood_process_free(process);
  process = start("hang", NULL, 0);
  int32_t code;
  FAILS(BROOD_E_STATE, brood_process_exit_code(process, &code, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_process_join(process, 20, NULL, NULL));
  OK(brood_process_kill(process, NULL));
  expect_end(process, -1, SIGKILL);
  OK(brood_process_kill(process, NULL));
  FAILS(BROOD_E_STATE, brood_process_signal(process, SIGTERM, NULL));
  brood_process_free(process);
}

static void takes_big_arguments_and_waits_with_others(void **state) {
  (void)state;
  enum { kSize = 3 << 20 };
  char *bytes = calloc(kSize, 1);
  brood_process *first = start("hang", NULL, 0);
  brood_process *second = start("echo", bytes, kSize);
  brood_handle *handles[] = {brood_process_handle(first), brood_process_handle(second)};
  size_t index = 9;
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  expect_end(second, 0, 0);
  OK(brood_process_terminate(first, NULL));
  expect_end(first, -1, SIGTERM);
  brood_process_free(first);
  brood_process_free(second);
  free(bytes);
}

static void lists_the_children_that_run(void **state) {
  (void)state;
  int64_t pids[8];
  assert_int_equal(brood_active_children(pids, 8), 0);
  brood_process *process = start("hang", NULL, 0);
  assert_int_equal(brood_active_children(pids, 8), 1);
  assert_int_equal(pids[0], brood_process_pid(process));
  OK(brood_process_stop(process, 0, LONG_MS, NULL, NULL));
  assert_int_equal(brood_active_children(pids, 8), 0);
  brood_process_free(process);
  assert_string_equal(brood_current_name(), "main");
  assert_int_equal(brood_parent_pid(), 0);
  assert_null(brood_parent_handle());
}

static void a_worker_knows_its_parent(void **state) {
  (void)state;
  char pid[32];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.name = "watcher";
  brood_process *process = NULL;
  OK(brood_process_start("look_at_parent", pid, sizeof pid, &options, &process, NULL));
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  OK(brood_process_outcome(process, NULL));
  brood_process_free(process);
}

int main(int argc, char **argv) {
  if (brood_register("look_at_parent", look_at_parent, NULL, NULL) != BROOD_OK) return 1;
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exits_with_0_when_the_function_returns),
      cmocka_unit_test(exits_with_1_when_it_fails),
      cmocka_unit_test(gives_exit_codes_and_signals),
      cmocka_unit_test(takes_big_arguments_and_waits_with_others),
      cmocka_unit_test(lists_the_children_that_run),
      cmocka_unit_test(a_worker_knows_its_parent),
  };
  return RUN_TESTS("start", tests);
}
