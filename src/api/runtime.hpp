// The one mutable global: what brood_init() made of this process. Never destroyed, so that handles
// which outlive main() stay harmless.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/boundary.hpp"
#include "pool/pool.hpp"
#include "pool/worker_link.hpp"
#include "process/children.hpp"
#include "process/hand_off.hpp"
#include "process/household.hpp"
#include "process/parent_end.hpp"
#include "sync/bridge.hpp"

namespace brood::api {

class Runtime {
 public:
  static Runtime& instance();

  // The runtime, if brood_init() was called in this very process and brood_shutdown() was not: else
  // State, Forked or Closed.
  static Result<Runtime*> open() {
    if (Runtime* running = at_hand()) return running;
    return find_out();
  }
  // The same without the reason why not; may be null where open() finds it.
  static Runtime* at_hand() {
    Runtime* running = running_.load(std::memory_order_acquire);
    const bool ours = running != nullptr && running->fork_epoch_ == platform::fork_epoch_at_hand();
    return ours ? running : nullptr;
  }
  // True in a child that the program forked: handles there are not to be touched.
  static bool forked() { return at_hand() == nullptr && is_forked(); }

  Status register_function(std::string_view name, brood_function function, void* context);
  struct Function {
    brood_function function = nullptr;
    void* context = nullptr;
  };
  // Null if there is none; the names that there are, for the message about it.
  const Function* find_function(std::string_view name) const;
  std::string function_names() const;

  // In a worker that was not told to return, it does not.
  Status init(int argc, char* const* argv, const brood_init_options& options);
  void shutdown();

  Household& household() { return *household_; }
  bool is_worker() const { return link_ != nullptr; }
  WorkerLink* link() { return link_.get(); }
  const std::string& name() const { return name_; }
  int64_t parent_pid() const { return parent_pid_; }
  uint64_t parent_start_time() const { return parent_start_time_; }
  // Ready once the parent is dead; null in the program that the user started, and where it cannot
  // be watched.
  ParentEnd* parent_end();
  // The command line of this program, for workers that run it again.
  std::vector<std::string> command();

  // Waits for shared objects in the stead of who has no bell: made on first use.
  Result<Bridge*> bridge();
  Bridge* bridge_if_made() const { return bridge_.load(std::memory_order_acquire); }

  // Pools that are not over hold one reference each, here.
  void add_pool(Pool* pool);
  void forget_pool(Pool* pool);
  // What brood_process_start() and brood_process_spawn() started.
  Children& children() { return children_; }

 private:
  static bool is_forked();
  // What open() has to say, at more length.
  static Result<Runtime*> find_out();

  enum class Phase : uint8_t { None, Host, Worker, Over };

  Status become_host(const brood_init_options& options);
  Status become_worker(ReceivedHandOff& received);
  void remember_command(int argc, char* const* argv);
  void remember_path();

  static constinit std::atomic<Runtime*> running_;  // between init() and shutdown()
  std::atomic<Phase> phase_{Phase::None};
  uint64_t fork_epoch_ = 0;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Function, std::less<>> functions_;
  std::unique_ptr<Household> household_;
  std::unique_ptr<WorkerLink> link_;
  platform::Fd control_;  // a worker's; closed by the host to end it
  std::vector<std::string> command_;
  bool path_known_ = false;  // of the program: command_[0] is it
  std::string name_ = "main";
  int64_t parent_pid_ = 0;
  uint64_t parent_start_time_ = 0;
  std::set<Pool*> pools_;
  ParentEnd* parent_end_ = nullptr;       // made on first use, for good
  std::atomic<Bridge*> bridge_{nullptr};  // the same
  Children children_;
};

// Serves tasks until there are no more; returns the exit code (worker.cpp).
int serve(Runtime& runtime);

}  // namespace brood::api
