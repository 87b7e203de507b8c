#include "family.hpp"

#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "platform/platform.hpp"
#include "test.hpp"

namespace brood::test {

// cmocka's assertions go back to its runner, of which a forked scenario must not start a second.
void need(bool condition, const char* what) {
  static const pid_t runner = getpid();
  if (condition) return;
  print_error("not so: %s\n", what);
  if (getpid() != runner) _exit(100);
  fail();
}
namespace {
// Asked once before anybody forks.
[[maybe_unused]] const bool kRunnerKnown = (need(true, ""), true);
}  // namespace

bool eventually(const std::function<bool()>& condition, int limit_ms) {
  const Deadline deadline = Deadline::after_ms(limit_ms);
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::yield();
  }
  return true;
}

void Record::note(char event) {
  history_ += event;
  changed_.notify_all();
}

void Record::started(int64_t pid) {
  std::lock_guard lock(mutex_);
  pid_ = pid;
  note('s');
}

void Record::failed(const Error& error) {
  std::lock_guard lock(mutex_);
  error_ = error;
  note('f');
}

void Record::died(const ExitReport& report) {
  std::lock_guard lock(mutex_);
  report_ = report;
  note('d');
}

void Record::tree_gone() {
  std::lock_guard lock(mutex_);
  note('g');
}

template <class Condition>
bool Record::wait(Condition condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(kLimit_ms), condition);
}

int64_t Record::wait_started() {
  wait([this] { return !history_.empty(); });
  if (error_) print_error("failed: %s\n", error_->message().c_str());
  need(pid_ > 0, "pid_ > 0");
  return pid_;
}

ExitReport Record::wait_died() {
  wait([this] { return report_ || error_; });
  if (error_) print_error("failed: %s\n", error_->message().c_str());
  need(report_.has_value(), "report_.has_value()");
  return *report_;
}

void Record::wait_gone() {
  need(wait([this] { return !history_.empty() && history_.back() == 'g'; }),
       "wait([this] { return !history_.empty() && history_.back() == 'g'; })");
}

Error Record::wait_failed() {
  need(wait([this] { return error_.has_value(); }), "wait([this] { return error_.has_value(); })");
  return *error_;
}

std::string Record::history() {
  std::lock_guard lock(mutex_);
  return history_;
}

TestFamily::TestFamily() {
  auto loop = Loop::start();
  need(loop.ok(), "loop.ok()");
  loop_ = std::move(*loop);
  nursery_ = Nursery::create(*loop_, {});
}

TestFamily::~TestFamily() {
  nursery_.reset();
  loop_.reset();
}

Started TestFamily::spawn(ChildRequest request) {
  Started started;
  started.record = std::make_shared<Record>();
  if (request.environment.empty()) request.environment = platform::environment();
  auto child = nursery_->spawn(request, started.record);
  if (!child) print_error("spawn: %s\n", child.error().message().c_str());
  need(child.ok(), "child.ok()");
  started.child = std::move(*child);
  return started;
}

Started TestFamily::run(std::vector<std::string> command) {
  ChildRequest request;
  request.command = std::move(command);
  return spawn(std::move(request));
}

std::string TestFamily::output_of(ChildRequest request) {
  auto pipe = platform::make_pipe();
  need(pipe.ok(), "pipe.ok()");
  request.stdio[1] = pipe->second.get();
  auto started = spawn(std::move(request));
  pipe->second.reset();
  std::string text = read_to_end(pipe->first.get());
  started.record->wait_died();
  return text;
}

std::string TestFamily::output_of(const std::string& script) { return output_of(shell(script)); }

ChildRequest shell(const std::string& script) {
  ChildRequest request;
  request.command = {"/bin/sh", "-c", script};
  return request;
}

std::string read_to_end(int fd) {
  std::string text;
  char part[65536];
  for (;;) {
    auto got = platform::read_some(fd, part, sizeof part);
    need(got.ok(), "got.ok()");
    if (*got == 0) return text;
    text.append(part, *got);
  }
}

size_t count_fds() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  need(folder != nullptr, "/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count - 3;  // itself, "." and ".."
}

bool process_gone(int64_t pid) { return !platform::process_alive(pid, 0); }

}  // namespace brood::test
