// What the tests of this folder share: a loop with a nursery, and a child whose events can be
// waited for.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loop/loop.hpp"
#include "process/nursery.hpp"

namespace brood::test {

// Nothing here takes longer, unless it hangs.
inline constexpr int kLimit_ms = 10'000;

// Looks until `condition` holds; false when it does not within the limit. For what sends no event.
bool eventually(const std::function<bool()>& condition, int limit_ms = kLimit_ms);

class Record : public ChildEvents {
 public:
  void started(int64_t pid) override;
  void failed(const Error& error) override;
  void died(const ExitReport& report) override;
  void tree_gone() override;

  // Each fails the test when it does not come in time, or when failed() came instead.
  int64_t wait_started();
  ExitReport wait_died();
  void wait_gone();
  Error wait_failed();

  // In the order of the calls: 's', 'f', 'd', 'g'.
  std::string history();

 private:
  template <class Condition>
  bool wait(Condition condition);
  void note(char event);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string history_;
  int64_t pid_ = 0;
  std::optional<Error> error_;
  std::optional<ExitReport> report_;
};

struct Started {
  std::shared_ptr<Child> child;
  std::shared_ptr<Record> record;
};

class TestFamily {
 public:
  TestFamily();
  ~TestFamily();

  Loop& loop() { return *loop_; }
  Nursery& nursery() { return *nursery_; }
  // Runs `request` and fails the test when it cannot be asked for.
  Started spawn(ChildRequest request);
  Started run(std::vector<std::string> command);
  // "/bin/sh -c script", and what it wrote to its standard output until that ended.
  std::string output_of(ChildRequest request);
  std::string output_of(const std::string& script);

 private:
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Nursery> nursery_;
};

ChildRequest shell(const std::string& script);
std::string read_to_end(int fd);
// Fds that this process has open.
size_t count_fds();
bool process_gone(int64_t pid);

}  // namespace brood::test
