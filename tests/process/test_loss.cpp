// What is left when somebody is killed: nothing.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "family.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

constexpr int64_t kPromise_ms = 1000;

// The helper program, and the reading end of what it and all below it hold.
class Host {
 public:
  explicit Host(std::vector<std::string> arguments) {
    auto pipe = platform::make_pipe();
    assert_true(pipe.ok());
    pid_ = fork();
    if (pid_ == 0) {
      // Nothing may stay when this test itself is ended.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(pipe->second.get(), 1);
      std::vector<char*> words = {const_cast<char*>(HELPER_HOST)};
      for (auto& argument : arguments) words.push_back(argument.data());
      words.push_back(nullptr);
      execv(HELPER_HOST, words.data());
      _exit(127);
    }
    output_ = std::move(pipe->first);
  }
  ~Host() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // Reads `pids` lines with pids, and the nursery's, until it is ready.
  std::vector<int64_t> wait_ready(size_t pids) {
    std::vector<int64_t> found;
    bool ready = false;
    while (!ready || found.size() < pids) {
      const std::string line = read_line();
      if (line == "ready") {
        ready = true;
      } else if (line.rfind("forked ", 0) == 0) {
        forked_ = std::stoll(line.substr(7));
      } else if (line.rfind("nursery ", 0) == 0) {
        nursery_ = std::stoll(line.substr(8));
      } else {
        found.push_back(std::stoll(line));
      }
    }
    return found;
  }

  // Milliseconds from the signal until nothing is left.
  double kill_and_wait(int64_t pid) {
    const auto before = std::chrono::steady_clock::now();
    assert_int_equal(kill(static_cast<pid_t>(pid), SIGKILL), 0);
    char byte;
    for (;;) {
      auto ready = platform::wait_fd(output_.get(), false, Deadline::after_ms(kLimit_ms));
      assert_true(ready.ok() && *ready);
      auto got = platform::read_some(output_.get(), &byte, 1);
      assert_true(got.ok());
      if (*got == 0) break;
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before)
        .count();
  }

  int64_t pid() const { return pid_; }
  int64_t nursery() const { return nursery_; }
  int64_t forked() const { return forked_; }

 private:
  std::string read_line() {
    std::string line;
    for (char byte;;) {
      auto ready = platform::wait_fd(output_.get(), false, Deadline::after_ms(kLimit_ms));
      assert_true(ready.ok() && *ready);
      auto got = platform::read_some(output_.get(), &byte, 1);
      assert_true(got.ok() && *got == 1);
      if (byte == '\n') return line;
      line += byte;
    }
  }

  pid_t pid_;
  int64_t nursery_ = 0;
  int64_t forked_ = 0;
  platform::Fd output_;
};

// The host's own child is not brood's to end.
struct Forked {
  explicit Forked(int64_t pid) : pid(pid) { assert_true(pid > 0); }
  ~Forked() { kill(static_cast<pid_t>(pid), SIGKILL); }
  int64_t pid;
};

void host_killed(std::vector<std::string> kinds, size_t pids) {
  std::string names;
  for (const auto& kind : kinds) names += " " + kind;
  Host host(std::move(kinds));
  const auto below = host.wait_ready(pids);
  const double took_ms = host.kill_and_wait(host.pid());
  print_message("host killed with%s: empty after %.1f ms\n", names.c_str(), took_ms);
  assert_true(took_ms < kPromise_ms);
  for (int64_t pid : below) assert_true(process_gone(pid));
  // It closes its output a moment before it is gone itself.
  assert_true(eventually([&] { return process_gone(host.nursery()); }));
}

}  // namespace

static void host_with_plain_children(void**) { host_killed({"plain", "busy", "stubborn"}, 3); }
static void host_with_sessions_and_daemons(void**) { host_killed({"session", "daemon"}, 2); }
static void host_with_a_fork_chain(void**) { host_killed({"chain", "plain"}, 2); }
static void host_that_is_a_subreaper(void**) { host_killed({"subreaper", "plain", "daemon"}, 2); }
static void host_with_many_children(void**) {
  host_killed(std::vector<std::string>(50, "session"), 50);
}

// The forked child keeps the output open as well, so the pids are looked at instead.
static void host_that_forked_without_exec(void**) {
  Host host({"fork", "session", "busy"});
  auto below = host.wait_ready(2);
  below.push_back(host.nursery());
  const Forked forked(host.forked());
  kill(static_cast<pid_t>(host.pid()), SIGKILL);
  assert_true(eventually(
      [&] {
        for (int64_t pid : below) {
          if (!process_gone(pid)) return false;
        }
        return true;
      },
      kPromise_ms));
}

static void nursery_killed_ends_trees_and_is_replaced(void**) {
  TestFamily family;
  auto output = platform::make_pipe();
  ChildRequest request = shell("(setsid sleep 1000 &); echo up; exec sleep 1000");
  request.stdio[1] = output->second.get();
  auto started = family.spawn(std::move(request));
  output->second.reset();
  const int64_t pid = started.record->wait_started();
  char byte;
  assert_true(platform::read_some(output->first.get(), &byte, 1).ok());
  assert_true(eventually([&] { return family.nursery().pid() != 0; }));
  const int64_t before = family.nursery().pid();
  kill(static_cast<pid_t>(before), SIGKILL);
  const ExitReport report = started.record->wait_died();
  assert_true(report.nursery_lost);
  started.record->wait_gone();
  assert_true(process_gone(pid));
  // Also the daemon, which held the pipe.
  read_to_end(output->first.get());
  assert_string_equal(started.record->history().c_str(), "sdg");

  assert_string_equal(family.output_of("echo again").c_str(), "again\n");
  assert_true(eventually([&] { return family.nursery().pid() != 0; }));
  assert_int_not_equal(family.nursery().pid(), before);
}

static int64_t parent_of(int64_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  FILE* file = fopen(path, "re");
  assert_non_null(file);
  int parent = 0;
  assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %d", &parent), 1);
  fclose(file);
  return parent;
}

static void keeper_killed_ends_child_and_daemon(void**) {
  TestFamily family;
  auto other = family.run({"sleep", "1000"});
  auto output = platform::make_pipe();
  ChildRequest request = shell("(setsid sleep 1000 &); echo up; exec sleep 1000");
  request.stdio[1] = output->second.get();
  auto started = family.spawn(std::move(request));
  output->second.reset();
  const int64_t pid = started.record->wait_started();
  char byte;
  assert_true(platform::read_some(output->first.get(), &byte, 1).ok());
  kill(static_cast<pid_t>(parent_of(pid)), SIGKILL);
  const ExitReport report = started.record->wait_died();
  assert_true(report.keeper_lost);
  assert_int_equal(report.signal, SIGKILL);
  started.record->wait_gone();
  read_to_end(output->first.get());
  assert_true(process_gone(pid));
  // The neighbour is not touched.
  assert_false(process_gone(other.record->wait_started()));
  other.child->kill();
  other.record->wait_gone();
}

static void stopped_keeper_cannot_hide_a_death(void**) {
  TestFamily family;
  auto started = family.run({"sleep", "1000"});
  const int64_t pid = started.record->wait_started();
  kill(static_cast<pid_t>(parent_of(pid)), SIGSTOP);
  kill(static_cast<pid_t>(pid), SIGKILL);
  assert_int_equal(started.record->wait_died().signal, SIGKILL);
  started.record->wait_gone();
}

static void stopped_keeper_is_woken_to_kill(void**) {
  TestFamily family;
  auto started = family.run({"sleep", "1000"});
  const int64_t pid = started.record->wait_started();
  kill(static_cast<pid_t>(parent_of(pid)), SIGSTOP);
  started.child->kill();
  started.record->wait_gone();
  assert_true(process_gone(pid));
}

static void nursery_that_cannot_run_is_an_error(void**) {
  auto loop = Loop::start();
  auto nursery = Nursery::create(**loop, {}, "/no/such/brood-nursery");
  ChildRequest request = shell("true");
  auto child = nursery->spawn(request, std::make_shared<Record>());
  assert_false(child.ok());
  assert_int_equal(child.error().record().os_code, 2);
  assert_non_null(strstr(child.error().message().c_str(), "/no/such/brood-nursery"));
}

static void nursery_that_ends_at_once_fails_the_child(void**) {
  auto loop = Loop::start();
  auto nursery = Nursery::create(**loop, {}, "/bin/false");
  auto record = std::make_shared<Record>();
  auto child = nursery->spawn(shell("true"), record);
  if (child) {
    const Error error = record->wait_failed();
    assert_int_equal(error.code(), Code::WorkerLost);
  } else {
    assert_int_equal(child.error().code(), Code::Os);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(host_with_plain_children),
      cmocka_unit_test(host_with_sessions_and_daemons),
      cmocka_unit_test(host_with_a_fork_chain),
      cmocka_unit_test(host_that_is_a_subreaper),
      cmocka_unit_test(host_with_many_children),
      cmocka_unit_test(host_that_forked_without_exec),
      cmocka_unit_test(nursery_killed_ends_trees_and_is_replaced),
      cmocka_unit_test(keeper_killed_ends_child_and_daemon),
      cmocka_unit_test(stopped_keeper_cannot_hide_a_death),
      cmocka_unit_test(stopped_keeper_is_woken_to_kill),
      cmocka_unit_test(nursery_that_cannot_run_is_an_error),
      cmocka_unit_test(nursery_that_ends_at_once_fails_the_child),
  };
  return cmocka_run_group_tests_name("loss", tests, nullptr, nullptr);
}
