// The state behind brood_process: a child with its streams, from its start to the end of its tree.
// Counted references: the user's handle is one, the register of children holds another until the
// tree is gone. Any thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "process/household.hpp"
#include "process/line_splitter.hpp"
#include "process/stream_end.hpp"
#include "sync/waitable.hpp"

namespace brood {

enum class StreamKind : uint8_t { Inherit, Null, Pipe, File, Lines };

struct StreamPlan {
  StreamKind kind = StreamKind::Inherit;
  std::string path;  // File
  bool append = false;
  std::function<void(std::string_view)> on_line;  // Lines; on the loop thread
};

struct SubprocessPlan {
  ChildRequest request;  // its stdio is filled in from `streams`
  std::array<StreamPlan, 3> streams;
  std::string name;
  bool daemon = false;
};

class Subprocess final : public Waitable {
 public:
  // Starts the child by means of the nursery. `start` may do so in another way: see
  // launch_worker().
  using Start = std::function<Result<std::shared_ptr<Child>>(const ChildRequest&,
                                                             std::shared_ptr<ChildEvents>)>;
  // Returns once the child runs its program, or with why it does not. The caller owns a reference.
  static Result<Subprocess*> spawn(Household& household, SubprocessPlan plan,
                                   const Start& start = {});

  // Until the whole tree has ended and every line was delivered.
  Status join(Deadline deadline, const CancelToken* cancel);
  // State once it has ended.
  Status signal(int signal_number);
  Status terminate();
  void kill();
  Status stop(int64_t wait_ms, int64_t terminate_ms, const CancelToken* cancel);

  bool alive() const;
  int64_t pid() const;
  const std::string& name() const { return name_; }
  bool daemon() const { return daemon_; }
  // State while it runs; WorkerLost when nobody knows.
  Result<ExitReport> ending() const;

  // What its function reported, for whoever runs one in it: to be set before its tree is gone.
  void set_outcome(Error failure);
  // The failure, if there was one. State while it runs.
  Status outcome() const;

  // Invalid for a stream that is not piped.
  Result<StreamEnd*> stream(int number);
  void close_streams();

  // The tree has ended.
  bool ready() const override { return gone_; }
  // Calls back once when ready, on the loop thread, without a lock; at once if it is.
  void on_gone(std::function<void()> callback);

 private:
  class Events;
  struct Lines;

  Subprocess(Household& household, SubprocessPlan& plan);
  ~Subprocess() override;
  std::mutex& watch_mutex() const override { return mutex_; }

  Status open_streams(SubprocessPlan& plan, std::array<platform::Fd, 3>& child_ends);
  void watch_lines();
  void tree_gone();

  Household& household_;
  const std::string name_;
  const bool daemon_;
  std::array<std::unique_ptr<StreamEnd>, 3> streams_;
  std::array<std::shared_ptr<Lines>, 3> lines_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<Child> child_;
  int64_t pid_ = 0;
  std::optional<Error> failure_;
  std::optional<ExitReport> report_;
  std::optional<Error> outcome_;
  bool gone_ = false;
  std::function<void()> on_gone_;
};

}  // namespace brood
