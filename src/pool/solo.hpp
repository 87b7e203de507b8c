// One registered function in a process of its own: a lane with one task, and what came of it. Hears
// of its process's death before anybody else does, to fetch the outcome first. Counted by shared
// pointers: the process's events hold it.
#pragma once

#include <memory>
#include <mutex>

#include "pool/seat.hpp"
#include "process/launch.hpp"
#include "process/subprocess.hpp"

namespace brood {

class Solo final : public std::enable_shared_from_this<Solo> {
 public:
  // The function's argument, copied: bytes, what they are, and handles.
  struct Argument {
    std::span<const std::byte> bytes;
    uint8_t codec = 0;
    std::span<const Held> handles = {};
  };
  static Result<std::shared_ptr<Solo>> create(Household& household, std::string name,
                                              std::string function, const Argument& argument);
  ~Solo();
  Solo(const Solo&) = delete;
  Solo& operator=(const Solo&) = delete;

  // What Subprocess::spawn() starts the process with.
  Result<std::shared_ptr<Child>> start(const ChildRequest& request,
                                       std::shared_ptr<ChildEvents> events);
  // Who is to be told the outcome.
  void report_to(Subprocess& process);

 private:
  // The one task; it is never rescheduled, so nobody need hear of its end.
  struct OneTask final : Task {
    void done_locked(Pool&) override {}
    void dropped_locked(Pool&) override {}
  };
  class Events;

  Solo(Household& household, std::string name, std::string function);
  Status prepare(const Argument& argument);
  void drop_argument();
  void give_up_member();
  void on_died();
  void on_over();
  std::optional<Error> fetch_failure();

  Household& household_;
  const std::string name_;
  const std::vector<std::string> functions_;
  Offset memory_ = 0;
  Offset pool_block_ = 0;
  Chunk::Name argument_;
  OneTask task_;
  std::unique_ptr<Seat> seat_;

  std::mutex mutex_;  // guards what follows
  Subprocess* process_ = nullptr;
  bool died_ = false;
  bool over_ = false;
  std::optional<Error> failure_;
};

}  // namespace brood
