#include "process/subprocess.hpp"

#include <condition_variable>
#include <csignal>
#include <utility>

#include "base/patience.hpp"
#include "sync/wait_any.hpp"

namespace brood {

// What the nursery tells. Holds a reference, so that the state outlives the user's handle.
class Subprocess::Events final : public ChildEvents {
 public:
  explicit Events(Subprocess& process) : process_(&process) { process_->ref(); }
  ~Events() override { process_->unref(); }

  void started(int64_t pid) override {
    std::lock_guard lock(process_->mutex_);
    process_->pid_ = pid;
    settled_.notify_all();
  }
  void failed(const Error& error) override {
    std::lock_guard lock(process_->mutex_);
    process_->failure_ = error;
    settled_.notify_all();
  }
  void died(const ExitReport& report) override {
    std::lock_guard lock(process_->mutex_);
    process_->report_ = report;
  }
  void tree_gone() override { process_->tree_gone(); }

  // The child runs, or never will.
  Status wait() {
    std::unique_lock lock(process_->mutex_);
    settled_.wait(lock, [this] { return process_->pid_ != 0 || process_->failure_; });
    if (process_->failure_) return *process_->failure_;
    return {};
  }

 private:
  Subprocess* const process_;
  std::condition_variable settled_;  // with the process's mutex
};

// A stream that is read line by line. Loop thread only, once it is watched.
struct Subprocess::Lines {
  platform::Fd fd;
  std::function<void(std::string_view)> on_line;
  LineSplitter splitter;
  std::unique_ptr<Watch> watch;

  // Delivers what is there; `last` when nobody writes any more, whoever else may hold the other
  // end.
  void read(bool last) {
    // Enough for a turn: other children want theirs.
    constexpr int kMostParts = 16;
    char part[64 * 1024];
    for (int i = 0; fd && (last || i < kMostParts); ++i) {
      auto got = platform::read_some(fd.get(), part, sizeof part);
      const bool dry = !got && got.error().code() == Code::Timeout;
      if (got && *got != 0) {
        splitter.feed(std::string_view(part, *got), on_line);
      } else if (!dry || last) {
        finish();
      } else {
        return;
      }
    }
  }

 private:
  void finish() {
    watch.reset();
    fd.reset();
    splitter.finish(on_line);
  }
};

Subprocess::Subprocess(Household& household, SubprocessPlan& plan)
    : household_(household), name_(std::move(plan.name)), daemon_(plan.daemon) {}
Subprocess::~Subprocess() = default;

Result<Subprocess*> Subprocess::spawn(Household& household, SubprocessPlan plan,
                                      const Start& start) {
  BROOD_TRY(household.start(true));
  struct Unref {
    void operator()(Subprocess* process) const { process->unref(); }
  };
  std::unique_ptr<Subprocess, Unref> process(new Subprocess(household, plan));
  auto events = std::make_shared<Events>(*process);
  std::array<platform::Fd, 3> child_ends;
  Status status = process->open_streams(plan, child_ends);
  if (status) {
    for (size_t i = 0; i < 3; ++i) plan.request.stdio[i] = child_ends[i].get();
    auto child =
        start ? start(plan.request, events) : household.nursery().spawn(plan.request, events);
    if (child) {
      std::lock_guard lock(process->mutex_);
      process->child_ = std::move(*child);
    } else {
      status = child.error();
    }
  }
  for (auto& end : child_ends) end.reset();
  const Patience patience;  // the child may run
  if (status) status = events->wait();
  if (status) {
    process->watch_lines();
    return process.release();
  }
  return status.error();
}

Status Subprocess::open_streams(SubprocessPlan& plan, std::array<platform::Fd, 3>& child_ends) {
  for (int i = 0; i < 3; ++i) {
    StreamPlan& stream = plan.streams[static_cast<size_t>(i)];
    platform::Fd& child_end = child_ends[static_cast<size_t>(i)];
    if (stream.kind == StreamKind::Null) continue;
    if (stream.kind == StreamKind::Inherit) {
      // A stream that this program closed is the null device to its children.
      auto copy = platform::duplicate(i);
      if (copy) child_end = std::move(*copy);
      continue;
    }
    if (stream.kind == StreamKind::File) {
      auto file = i == 0 ? platform::open_read(stream.path)
                         : platform::open_write(stream.path, stream.append);
      if (!file) return file.error();
      child_end = std::move(*file);
      continue;
    }
    auto pipe = platform::make_pipe();
    if (!pipe) return pipe.error();
    platform::Fd own_end = std::move(i == 0 ? pipe->second : pipe->first);
    child_end = std::move(i == 0 ? pipe->first : pipe->second);
    if (stream.kind == StreamKind::Pipe) {
      auto& end = streams_[static_cast<size_t>(i)];
      end = std::make_unique<StreamEnd>(household_);
      BROOD_TRY(end->open(std::move(own_end)));
      continue;
    }
    BROOD_TRY(platform::set_nonblocking(own_end.get(), true));
    auto& lines = lines_[static_cast<size_t>(i)];
    lines = std::make_shared<Lines>();
    lines->fd = std::move(own_end);
    lines->on_line = std::move(stream.on_line);
  }
  return {};
}

void Subprocess::watch_lines() {
  for (auto& lines : lines_) {
    if (!lines) continue;
    household_.loop().post([loop = &household_.loop(), lines] {
      // The tree may be gone already, and all read with it.
      if (!lines->fd) return;
      auto watch = loop->watch(lines->fd.get(), true, false,
                               [raw = lines.get()](Readiness) { raw->read(false); });
      // Without a watch the pipe is read at the end of the tree, which may then block on a full
      // one: rather let it write into nothing.
      if (watch) {
        lines->watch = std::move(*watch);
      } else {
        lines->fd.reset();
      }
    });
  }
}

void Subprocess::tree_gone() {
  for (auto& lines : lines_) {
    if (lines) lines->read(true);
  }
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    gone_ = true;
    callback = std::move(on_gone_);
    notify_locked();
  }
  if (callback) callback();
}

void Subprocess::on_gone(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!gone_) {
      on_gone_ = std::move(callback);
      return;
    }
  }
  callback();
}

Status Subprocess::join(Deadline deadline, const CancelToken* cancel) {
  Waitable* const self = this;
  auto index = wait_any(*household_.rack(), std::span(&self, 1), deadline, cancel);
  if (!index) return index.error();
  return {};
}

Status Subprocess::signal(int signal_number) {
  std::unique_lock lock(mutex_);
  if (gone_ || report_) {
    return Error(Code::State, "process " + std::to_string(pid_) + " ('" + name_ +
                                  "') has ended: there is nothing to signal");
  }
  const auto child = child_;
  lock.unlock();
  return child->signal(signal_number);
}

Status Subprocess::terminate() {
  auto status = signal(SIGTERM);
  if (!status && (status.code() == Code::State || status.code() == Code::Closed)) return {};
  return status;
}

void Subprocess::kill() {
  std::unique_lock lock(mutex_);
  const auto child = child_;
  lock.unlock();
  child->kill();
}

Status Subprocess::stop(int64_t wait_ms, int64_t terminate_ms, const CancelToken* cancel) {
  Status status = join(Deadline::after_ms(wait_ms), cancel);
  if (status.code() != Code::Timeout) return status;
  BROOD_TRY(terminate());
  status = join(Deadline::after_ms(terminate_ms), cancel);
  if (status.code() != Code::Timeout) return status;
  kill();
  return join(Deadline::forever(), cancel);
}

bool Subprocess::alive() const {
  std::lock_guard lock(mutex_);
  return !report_ && !gone_;
}

int64_t Subprocess::pid() const {
  std::lock_guard lock(mutex_);
  return pid_;
}

Result<ExitReport> Subprocess::ending() const {
  std::lock_guard lock(mutex_);
  if (!report_) {
    return Error(Code::State, "process " + std::to_string(pid_) + " ('" + name_ +
                                  "') still runs: join it first");
  }
  if (report_->nursery_lost) {
    ErrorRecord record;
    record.code = Code::WorkerLost;
    record.pid = pid_;
    record.message = "process " + std::to_string(pid_) + " ('" + name_ +
                     "') was ended because brood-nursery was killed: how it would have ended "
                     "nobody knows";
    return Error(std::move(record));
  }
  return *report_;
}

void Subprocess::set_outcome(Error failure) {
  std::lock_guard lock(mutex_);
  outcome_ = std::move(failure);
}

Status Subprocess::outcome() const {
  {
    std::lock_guard lock(mutex_);
    if (outcome_) return *outcome_;
  }
  auto ended = ending();
  if (!ended) return ended.error();
  return {};
}

Result<StreamEnd*> Subprocess::stream(int number) {
  if (number >= 0 && number < 3 && streams_[static_cast<size_t>(number)]) {
    return streams_[static_cast<size_t>(number)].get();
  }
  return Error(Code::Invalid, "stream " + std::to_string(number) + " of '" + name_ +
                                  "' is no pipe: ask for BROOD_STDIO_PIPE in the options");
}

void Subprocess::close_streams() {
  for (auto& stream : streams_) {
    if (stream) stream->close();
  }
}

}  // namespace brood
