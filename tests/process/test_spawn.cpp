// Children through the nursery: how they start, end, fail, and what they find.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "family.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

static void output_arrives(void**) {
  TestFamily family;
  assert_string_equal(family.output_of("echo hello; echo world").c_str(), "hello\nworld\n");
}

static void exit_code_is_reported(void**) {
  TestFamily family;
  auto started = family.spawn(shell("exit 7"));
  const ExitReport report = started.record->wait_died();
  assert_int_equal(report.exit_code, 7);
  assert_int_equal(report.signal, 0);
  started.record->wait_gone();
  assert_string_equal(started.record->history().c_str(), "sdg");
}

static void signal_is_told_from_exit_code(void**) {
  TestFamily family;
  auto started = family.spawn(shell("kill -SEGV $$"));
  const ExitReport report = started.record->wait_died();
  assert_int_equal(report.exit_code, -1);
  assert_int_equal(report.signal, SIGSEGV);
}

static void missing_program_names_path_and_errno(void**) {
  TestFamily family;
  auto started = family.run({"/no/such/program"});
  const Error error = started.record->wait_failed();
  assert_int_equal(error.code(), Code::Os);
  assert_int_equal(error.record().os_code, ENOENT);
  assert_non_null(strstr(error.message().c_str(), "/no/such/program"));
  assert_string_equal(started.record->history().c_str(), "f");
}

static void host_has_no_child(void**) {
  TestFamily family;
  auto started = family.run({"sleep", "100"});
  started.record->wait_started();
  assert_int_equal(waitpid(-1, nullptr, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  started.child->kill();
  started.record->wait_gone();
}

static void kill_ends_it(void**) {
  TestFamily family;
  auto started = family.run({"sleep", "100"});
  const int64_t pid = started.record->wait_started();
  assert_int_equal(started.child->pid(), pid);
  started.child->kill();
  assert_int_equal(started.record->wait_died().signal, SIGKILL);
  started.record->wait_gone();
  assert_true(process_gone(pid));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(output_arrives),
      cmocka_unit_test(exit_code_is_reported),
      cmocka_unit_test(signal_is_told_from_exit_code),
      cmocka_unit_test(missing_program_names_path_and_errno),
      cmocka_unit_test(host_has_no_child),
      cmocka_unit_test(kill_ends_it),
  };
  return cmocka_run_group_tests_name("spawn", tests, nullptr, nullptr);
}
