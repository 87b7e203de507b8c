/* Child processes through the public header: how they start and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subprocess.h"

static int32_t exit_code_of(const char *script) {
  brood_process *process = spawn(script);
  int32_t code = -2;
  join(process);
  assert_int_equal(brood_process_exit_code(process, &code, NULL), BROOD_OK);
  brood_process_free(process);
  return code;
}

static void exit_code_and_signal_are_apart(void **state) {
  (void)state;
  int32_t code, number;
  assert_int_equal(exit_code_of("exit 0"), 0);
  assert_int_equal(exit_code_of("exit 255"), 255);
  brood_process *process = spawn("kill -ABRT $$");
  join(process);
  assert_int_equal(brood_process_exit_code(process, &code, NULL), BROOD_OK);
  assert_int_equal(code, -1);
  assert_int_equal(brood_process_exit_signal(process, &number, NULL), BROOD_OK);
  assert_int_equal(number, SIGABRT);
  brood_process_free(process);
}

static void state_while_it_runs(void **state) {
  (void)state;
  int32_t code = 77;
  brood_usage usage = BROOD_USAGE_INIT;
  brood_process *process = spawn("exec sleep 1000");
  assert_true(brood_process_alive(process));
  assert_true(brood_process_pid(process) > 0);
  assert_int_equal(brood_process_exit_code(process, &code, NULL), BROOD_E_STATE);
  assert_int_equal(code, 77);
  assert_int_equal(brood_process_usage(process, &usage, NULL), BROOD_E_STATE);
  assert_int_equal(brood_process_join(process, 0, NULL, NULL), BROOD_E_TIMEOUT);
  assert_int_equal(brood_process_join(process, 10, NULL, NULL), BROOD_E_TIMEOUT);
  int64_t pids[4];
  assert_int_equal(brood_active_children(pids, 4), 1);
  assert_int_equal(pids[0], brood_process_pid(process));
  assert_int_equal(brood_process_kill(process, NULL), BROOD_OK);
  join(process);
  assert_false(brood_process_alive(process));
  assert_int_equal(brood_active_children(pids, 4), 0);
  assert_int_equal(brood_process_signal(process, SIGTERM, NULL), BROOD_E_STATE);
  assert_int_equal(brood_process_terminate(process, NULL), BROOD_OK);
  assert_int_equal(brood_process_kill(process, NULL), BROOD_OK);
  brood_process_free(process);
}

static void failed_start_says_what_and_why(void **state) {
  (void)state;
  const char *command[] = {"/no/such/program", NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  brood_process *process = NULL;
  brood_error *error = NULL;
  options.command = command;
  assert_int_equal(brood_process_spawn(&options, &process, &error), BROOD_E_OS);
  assert_null(process);
  assert_int_equal(brood_error_os_code(error), ENOENT);
  assert_non_null(strstr(brood_error_message(error), "/no/such/program"));
  brood_error_free(error);
  /* A text without "#!" is not given to a shell. */
  char path[] = "/tmp/brood-test-XXXXXX";
  int fd = mkstemp(path);
  assert_int_equal(write(fd, "exit 0\n", 7), 7);
  fchmod(fd, 0755);
  close(fd);
  command[0] = path;
  assert_int_equal(brood_process_spawn(&options, &process, &error), BROOD_E_OS);
  assert_int_equal(brood_error_os_code(error), ENOEXEC);
  brood_error_free(error);
  chmod(path, 0600);
  assert_int_equal(brood_process_spawn(&options, &process, &error), BROOD_E_OS);
  assert_int_equal(brood_error_os_code(error), EACCES);
  brood_error_free(error);
  unlink(path);
  options.cwd = "/no/such/folder";
  command[0] = "true";
  assert_int_equal(brood_process_spawn(&options, &process, &error), BROOD_E_OS);
  assert_non_null(strstr(brood_error_message(error), "/no/such/folder"));
  brood_error_free(error);
}

static void bad_options_are_refused(void **state) {
  (void)state;
  const char *command[] = {"true", NULL}, *nothing[] = {NULL}, *bad[] = {"NOVALUE", NULL};
  brood_process *process = NULL;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  assert_int_equal(brood_process_spawn(NULL, &process, NULL), BROOD_E_INVALID);
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  options.command = nothing;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  options.command = command;
  assert_int_equal(brood_process_spawn(&options, NULL, NULL), BROOD_E_INVALID);
  options.env = bad;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  options.env = NULL;
  options.standard_input.kind = BROOD_STDIO_LINES;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  options.standard_input.kind = 99;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  options.standard_input.kind = BROOD_STDIO_FILE;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_E_INVALID);
  assert_int_equal(brood_process_join(NULL, 0, NULL, NULL), BROOD_E_INVALID);
  brood_process_free(NULL);
  assert_null(process);
}

static void environment_and_folder(void **state) {
  (void)state;
  const char *env[] = {"ADDED=one two", "PATH=/usr/bin:/bin", NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  setenv("FROM_HOST", "yes", 1);
  options.env = env;
  options.cwd = "/usr";
  assert_output(&options, "echo $ADDED/$FROM_HOST; pwd", "one two/yes\n/usr\n");
  options.clear_env = true;
  assert_output(&options, "echo $ADDED/$FROM_HOST", "one two/\n");
  assert_int_equal(chdir("/usr"), 0);
  options.cwd = "bin/..";
  assert_output(&options, "pwd -P", "/usr\n");
  options.cwd = NULL;
  assert_output(&options, "pwd", "/usr\n");
}

static void limits_hold(void **state) {
  (void)state;
  uint32_t cpus[] = {0};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.limits.open_files = 50;
  options.limits.core_bytes = -1;
  options.limits.cpu_seconds = 100;
  options.limits.nice = 5;
  options.limits.cpus = cpus;
  options.limits.cpu_count = 1;
  options.limits.memory_bytes = 100 << 20;
  assert_output(&options, "ulimit -n; ulimit -c; ulimit -t; nice; nproc; ulimit -d",
                "50\n0\n100\n5\n1\n102400\n");
  brood_process_options spinning = BROOD_PROCESS_OPTIONS_INIT;
  spinning.limits.cpu_seconds = 1;
  brood_process *process = spawn_with(&spinning, "while :; do :; done");
  int32_t number;
  brood_usage usage = BROOD_USAGE_INIT;
  join(process);
  assert_int_equal(brood_process_exit_signal(process, &number, NULL), BROOD_OK);
  assert_int_equal(number, SIGXCPU);
  assert_int_equal(brood_process_usage(process, &usage, NULL), BROOD_OK);
  /* The limit counts ticks, usage is exact: on a busy machine they differ by much. */
  assert_true(usage.user_us + usage.system_us > 100000);
  assert_true(usage.max_resident_bytes > 100000);
  brood_process_free(process);
}

static void stop_goes_step_by_step(void **state) {
  (void)state;
  int32_t number;
  brood_process *process = spawn("exec sleep 1000");
  assert_int_equal(brood_process_stop(process, 10, LIMIT_MS, NULL, NULL), BROOD_OK);
  assert_int_equal(brood_process_exit_signal(process, &number, NULL), BROOD_OK);
  assert_int_equal(number, SIGTERM);
  brood_process_free(process);

  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  char text[8];
  size_t size;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  process = spawn_with(&options, "trap '' TERM; echo up; while :; do sleep 1000; done");
  assert_int_equal(brood_process_read(process, 1, text, 8, LIMIT_MS, NULL, &size, NULL), BROOD_OK);
  assert_int_equal(brood_process_stop(process, 0, 50, NULL, NULL), BROOD_OK);
  assert_int_equal(brood_process_exit_signal(process, &number, NULL), BROOD_OK);
  assert_int_equal(number, SIGKILL);
  brood_process_free(process);

  process = spawn("exit 3");
  assert_int_equal(brood_process_stop(process, LIMIT_MS, 0, NULL, NULL), BROOD_OK);
  int32_t code;
  assert_int_equal(brood_process_exit_code(process, &code, NULL), BROOD_OK);
  assert_int_equal(code, 3);
  brood_process_free(process);
}

static void signal_reaches_the_whole_tree(void **state) {
  (void)state;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  char text[64];
  size_t size, total = 0;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  brood_process *process = spawn_with(
      &options,
      "trap 'echo a' USR1; (trap 'echo b; exit' USR1; echo up; while :; do sleep 0.01; done) &"
      " while :; do sleep 0.01; done");
  assert_int_equal(brood_process_read(process, 1, text, 3, LIMIT_MS, NULL, &size, NULL), BROOD_OK);
  /* The sleeps die of it, which is fine. */
  assert_int_equal(brood_process_signal(process, SIGUSR1, NULL), BROOD_OK);
  while (total < 4) {
    assert_int_equal(
        brood_process_read(process, 1, text + total, 4 - total, LIMIT_MS, NULL, &size, NULL),
        BROOD_OK);
    total += size;
  }
  assert_non_null(memchr(text, 'a', 4));
  assert_non_null(memchr(text, 'b', 4));
  assert_int_equal(brood_process_kill(process, NULL), BROOD_OK);
  join(process);
  brood_process_free(process);
}

static void handle_can_be_waited_for(void **state) {
  (void)state;
  brood_process *processes[] = {spawn("exec sleep 1000"), spawn("exit 0")};
  brood_handle *handles[] = {brood_process_handle(processes[0]),
                             brood_process_handle(processes[1])};
  size_t index;
  assert_int_equal(brood_wait(handles, 2, LIMIT_MS, NULL, &index, NULL), BROOD_OK);
  assert_int_equal(index, 1);
  assert_int_equal(brood_process_kill(processes[0], NULL), BROOD_OK);
  join(processes[0]);
  brood_process_free(processes[0]);
  brood_process_free(processes[1]);
}

static void freed_process_runs_on(void **state) {
  (void)state;
  char path[] = "/tmp/brood-test-XXXXXX";
  close(mkstemp(path));
  const char *command[] = {"/bin/sh", "-c", "sleep 0.05; rm \"$0\"", path, NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  brood_process *process;
  options.command = command;
  assert_int_equal(brood_process_spawn(&options, &process, NULL), BROOD_OK);
  brood_process_free(process);
  time_t end = time(NULL) + 20;
  while (access(path, F_OK) == 0) assert_true(time(NULL) < end);
}

static void host_stays_childless(void **state) {
  (void)state;
  brood_process *process = spawn("exec sleep 1000");
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  assert_int_equal(brood_process_kill(process, NULL), BROOD_OK);
  join(process);
  brood_process_free(process);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exit_code_and_signal_are_apart),
      cmocka_unit_test(state_while_it_runs),
      cmocka_unit_test(failed_start_says_what_and_why),
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(environment_and_folder),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(stop_goes_step_by_step),
      cmocka_unit_test(signal_reaches_the_whole_tree),
      cmocka_unit_test(handle_can_be_waited_for),
      cmocka_unit_test(freed_process_runs_on),
      cmocka_unit_test(host_stays_childless),
  };
  if (brood_init(argc, argv, NULL, NULL) != BROOD_OK) return 1;
  return cmocka_run_group_tests_name("subprocess", tests, NULL, NULL);
}
