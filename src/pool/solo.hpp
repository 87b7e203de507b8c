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
  struct Input {
    std::span<const std::byte> bytes;
    uint8_t codec = 0;
    std::span<const Held> handles = {};
  };
  static Result<std::shared_ptr<Solo>> create(Household& household, std::string name,
                                              std::string function, const Input& input);
  ~Solo();
  Solo(const Solo&) = delete;
  Solo& operator=(const Solo&) = delete;

  // What Subprocess::spawn() starts the process with.
  Result<std::shared_ptr<Child>> start(const ChildRequest& request,
                                       std::shared_ptr<ChildEvents> events);
  // Who is to be told the outcome.
  void report_to(Subprocess& process);

 private:
  // The one call; it is never rescheduled, so nobody need hear of its end.
  struct Call final : Job {
    explicit Call(std::mutex& mutex) : watched_under(mutex) {}
    ~Call() override = default;
    Arguments arguments(uint64_t) const override { return {&given, 0}; }
    void settle_locked(Pool&, uint64_t, Outcome) override {}
    void drop_locked(uint64_t) override {}
    bool ready() const override { return false; }
    std::mutex& watch_mutex() const override { return watched_under; }

    std::mutex& watched_under;
    Argument given;
  };
  class Events;

  Solo(Household& household, std::string name, std::string function);
  Status prepare(const Input& input);
  void drop_argument();
  void give_up_member();
  void on_died(const ExitReport& report);
  void on_over();
  std::optional<Error> fetch_failure(const ExitReport& report);

  Household& household_;
  const std::string name_;
  const std::vector<std::string> functions_;
  Offset memory_ = 0;
  Offset pool_block_ = 0;
  Argument argument_;  // in the heap, or nothing
  std::unique_ptr<Seat> seat_;

  std::mutex mutex_;  // guards what follows
  Call call_{mutex_};
  Subprocess* process_ = nullptr;
  bool died_ = false;
  bool over_ = false;
  std::optional<Error> failure_;
};

}  // namespace brood
