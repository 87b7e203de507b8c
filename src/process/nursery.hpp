// The host's side of the nursery: asks it for children and hears what becomes of them. The nursery
// program is started with the first child, again with the next one after it died, and anew when
// this process is not any more what it was (credentials, namespaces), since a nursery cannot change
// with it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "loop/loop.hpp"
#include "process/usage.hpp"
#include "shm/arena.hpp"

namespace brood {

// Zero leaves a limit as this process has it.
struct ChildLimits {
  // Of the whole tree where the nursery may make a control group; elsewhere private memory of each
  // process.
  uint64_t memory_bytes = 0;
  uint32_t cpu_seconds = 0;
  uint32_t open_files = 0;
  int64_t core_bytes = 0;  // -1: no core dumps
  int32_t nice = 0;        // added to this process's own
  std::vector<uint32_t> cpus;
};

struct ChildRequest {
  std::vector<std::string> command;      // searched in the PATH of `environment` if it has no slash
  std::vector<std::string> environment;  // all of it
  std::string cwd;                       // relative to this process's; empty: the same
  int stdio[3] = {-1, -1, -1};           // -1: the null device
  std::vector<int> pass_fds;             // become 3, 4, ... in the child
  ChildLimits limits;
  bool no_new_privileges = false;
  uint32_t member = 0;  // the arena member to reap when it dies; 0: none
};

// What becomes of a child. Called on the loop thread, with no lock held, possibly before spawn()
// returns: failed(), or started(), then died(), then tree_gone(). Nothing more comes after failed()
// and tree_gone().
class ChildEvents {
 public:
  virtual ~ChildEvents() = default;
  virtual void started(int64_t pid) = 0;
  // It never ran its program: errno and what was tried.
  virtual void failed(const Error& error) = 0;
  // The process itself has ended; reported before its tree is.
  virtual void died(const ExitReport& report) = 0;
  virtual void tree_gone() = 0;
};

class NurseryLink;
struct LaunchedNursery;

// This process's place in the family, for its nursery to reap dead members there; both outlive it.
struct Membership {
  Arena* arena = nullptr;  // none: nothing is reaped
  MemberId me;
};

// Any thread.
class Child {
 public:
  Child(std::shared_ptr<NurseryLink> link, uint64_t number);
  // To the whole tree. State once it has ended.
  Status signal(int signal_number);
  // Ends the whole tree, until nothing of it is left. Fine at any time.
  void kill();
  // 0 until it has started.
  int64_t pid() const;

 private:
  std::shared_ptr<NurseryLink> link_;
  const uint64_t number_;
};

class Nursery {
 public:
  // The loop must outlive it. `program` is the path of brood-nursery; empty: looked for.
  static std::unique_ptr<Nursery> create(Loop& loop, Membership membership,
                                         std::string program = "");
  // The same with one that runs already; null: none does.
  static std::unique_ptr<Nursery> adopt(Loop& loop, Membership membership,
                                        std::unique_ptr<LaunchedNursery> launched);
  // Ends all children at once; what has not been reported by then is not any more. Waits for the
  // loop thread, unless called on it.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  // Any thread. Starts the nursery if there is none, to be ready when a child is wanted a moment
  // later; whether that worked, spawn() tells.
  void prepare();
  // Any thread. All fds are duplicated before it returns. An error when the request makes no sense
  // or the nursery cannot be started; everything else is reported to `events`.
  Result<std::shared_ptr<Child>> spawn(const ChildRequest& request,
                                       const std::shared_ptr<ChildEvents>& events);
  // The nursery's pid; 0 when there is none, or it has not answered yet.
  int64_t pid() const;

 private:
  struct State;
  explicit Nursery(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Starts the nursery program before there is a loop for it; null when that fails, which the first
// spawn() will tell.
std::unique_ptr<LaunchedNursery> launch_nursery(Membership membership);

// Where brood-nursery is: BROOD_NURSERY unless this program runs with elevated rights, then beside
// this library, then where it was installed. Os when it is in none of these, naming them.
Result<std::string> find_nursery();

}  // namespace brood
