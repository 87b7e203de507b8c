// Keepers serve one child after the other: what one leaves behind never reaches the next.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>

#include "family.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

constexpr size_t kMostIdle = 2;

// The keeper of a shell, which is the shell's parent.
int64_t keeper_of(TestFamily& family, const std::string& before = "") {
  return std::stoll(family.output_of(before + "echo $PPID"));
}

std::set<int64_t> children_of(int64_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  std::ifstream file(path + "/children");
  std::set<int64_t> found;
  for (int64_t child; file >> child;) found.insert(child);
  return found;
}

void wait_for_nursery(TestFamily& family) {
  assert_true(eventually([&] { return family.nursery().pid() != 0; }));
}

// Until the child before is gone: then its keeper waits again.
void run_to_the_end(TestFamily& family, ChildRequest request) {
  family.spawn(std::move(request)).record->wait_gone();
}

}  // namespace

static void a_keeper_serves_again(void**) {
  TestFamily family;
  run_to_the_end(family, shell("true"));
  auto first = family.spawn(shell("exec sleep 1000"));
  const auto keepers = children_of(family.nursery().pid());
  first.record->wait_started();
  assert_int_equal(keepers.size(), 1);
  first.child->kill();
  first.record->wait_gone();
  assert_true(keepers.count(keeper_of(family)) == 1);
}

static void nothing_of_one_child_reaches_the_next(void**) {
  TestFamily family;
  auto pipe = platform::make_pipe();
  assert_true(pipe.ok());
  const char* look = "umask; ulimit -n; cat /proc/self/stat | cut -d' ' -f19; ls /proc/self/fd";
  const std::string before = family.output_of(look);
  ChildRequest request = shell("umask 077; cd /; exit 3");
  request.environment = {"ONLY=this"};
  request.cwd = "/tmp";
  request.limits.open_files = 50;
  request.limits.nice = 5;
  request.limits.cpus = {0};
  request.no_new_privileges = true;
  request.pass_fds = {pipe->first.get(), pipe->second.get()};
  const int64_t nursery = family.nursery().pid();
  run_to_the_end(family, std::move(request));
  assert_string_equal(family.output_of(look).c_str(), before.c_str());
  assert_int_equal(children_of(nursery).size(), 1);
  // Both ends of the pipe were passed: the keeper has let go of them.
  pipe->second.reset();
  assert_string_equal(read_to_end(pipe->first.get()).c_str(), "");
}

static void a_tree_is_gone_before_its_keeper_serves_again(void**) {
  TestFamily family;
  run_to_the_end(family, shell("true"));
  auto pipe = platform::make_pipe();
  ChildRequest request = shell("(setsid sleep 1000 & ) ; (sleep 1000 &); exit 0");
  request.stdio[1] = pipe->second.get();
  auto started = family.spawn(std::move(request));
  pipe->second.reset();
  started.record->wait_gone();
  assert_string_equal(read_to_end(pipe->first.get()).c_str(), "");
  assert_string_equal(started.record->history().c_str(), "sdg");
  for (int64_t keeper : children_of(family.nursery().pid())) {
    assert_true(children_of(keeper).empty());
  }
}

static void a_failed_start_leaves_the_keeper_in_order(void**) {
  TestFamily family;
  run_to_the_end(family, shell("true"));
  const auto keepers = children_of(family.nursery().pid());
  for (int i = 0; i < 3; ++i) {
    auto failed = family.run({"/no/such/program"});
    assert_int_equal(failed.record->wait_failed().record().os_code, ENOENT);
  }
  assert_true(keepers.count(keeper_of(family)) == 1);
  assert_true(children_of(*keepers.begin()).empty());
}

static void few_keepers_wait(void**) {
  TestFamily family;
  std::vector<Started> many;
  for (int i = 0; i < 10; ++i) many.push_back(family.run({"sleep", "1000"}));
  for (auto& started : many) started.record->wait_started();
  assert_int_equal(children_of(family.nursery().pid()).size(), 10);
  for (auto& started : many) started.child->kill();
  for (auto& started : many) started.record->wait_gone();
  const int64_t nursery = family.nursery().pid();
  assert_true(eventually([&] { return children_of(nursery).size() <= kMostIdle; }));
}

static void a_keeper_killed_while_it_waits_is_replaced(void**) {
  TestFamily family;
  run_to_the_end(family, shell("true"));
  wait_for_nursery(family);
  const auto keepers = children_of(family.nursery().pid());
  assert_int_equal(keepers.size(), 1);
  kill(static_cast<pid_t>(*keepers.begin()), SIGKILL);
  assert_true(eventually([&] { return process_gone(*keepers.begin()); }));
  assert_true(keepers.count(keeper_of(family)) == 0);
}

static void a_signal_for_a_tree_that_is_gone_is_nobodys(void**) {
  TestFamily family;
  auto first = family.spawn(shell("true"));
  first.record->wait_gone();
  auto second = family.run({"sleep", "1000"});
  second.record->wait_started();
  first.child->kill();
  assert_false(first.child->signal(SIGTERM).ok());
  // Had it been hit, its end would be reported before the one that is asked for now.
  assert_true(second.child->signal(SIGUSR1).ok());
  assert_int_equal(second.record->wait_died().signal, SIGUSR1);
}

static void an_order_longer_than_a_packet_arrives(void**) {
  TestFamily family;
  for (const size_t size : {30'000u, 100'000u, 600'000u}) {
    ChildRequest request = shell("env | wc -c");
    request.environment = {"PATH=/usr/bin:/bin"};
    size_t bytes = 0;
    for (int i = 0; bytes < size; ++i) {
      std::string entry(10'000, 'x');
      entry[0] = static_cast<char>('A' + i / 26);
      entry[1] = static_cast<char>('A' + i % 26);
      entry[2] = '=';
      bytes += entry.size() + 1;
      request.environment.push_back(std::move(entry));
    }
    assert_true(std::stoul(family.output_of(std::move(request))) >= bytes);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_keeper_serves_again),
      cmocka_unit_test(nothing_of_one_child_reaches_the_next),
      cmocka_unit_test(a_tree_is_gone_before_its_keeper_serves_again),
      cmocka_unit_test(a_failed_start_leaves_the_keeper_in_order),
      cmocka_unit_test(few_keepers_wait),
      cmocka_unit_test(a_keeper_killed_while_it_waits_is_replaced),
      cmocka_unit_test(a_signal_for_a_tree_that_is_gone_is_nobodys),
      cmocka_unit_test(an_order_longer_than_a_packet_arrives),
  };
  return cmocka_run_group_tests_name("keepers", tests, nullptr, nullptr);
}
