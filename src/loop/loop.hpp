// The one thread that waits for fds and timers. Each callback runs on it, one at a time, and must
// not wait. Whoever uses a loop must be gone before it: its destructor stops and joins the thread.
#pragma once

#include <functional>
#include <latch>
#include <memory>

#include "base/deadline.hpp"
#include "base/result.hpp"

namespace brood {

// What an fd is ready for. A hang-up counts as both, so that whoever waits tries and finds out.
struct Readiness {
  bool readable = false;
  bool writable = false;
};

// Calls back while the fd is ready, until it is destroyed; after that never again. Does not own the
// fd, which must stay open longer. Loop thread only.
class Watch {
 public:
  virtual ~Watch() = default;
  // Changes what is waited for; neither pauses the watch.
  virtual void set(bool read, bool write) = 0;
};

// Calls back once for each start_at(), to the millisecond, never early. Loop thread only.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void start_at(Clock::time_point at) = 0;
  virtual void stop() = 0;
};

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> start();
  // What was posted before is run; watches and timers that are left call back no more. Not on the
  // loop thread.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `function` on the loop thread, in the order of the calls. Any thread; never runs it in
  // place.
  void post(std::function<void()> function);
  bool on_loop_thread() const;
  // The same, and waits until it is done; in place on the loop thread itself. Not where somebody
  // waits for the caller on the loop thread.
  template <class Function>
  void run(Function&& function) {
    if (on_loop_thread()) return function();
    std::latch done(1);
    post([&] {
      function();
      done.count_down();
    });
    done.wait();
  }

  // Loop thread only. The callback may destroy what it was made for.
  Result<std::unique_ptr<Watch>> watch(int fd, bool read, bool write,
                                       std::function<void(Readiness)> ready);
  std::unique_ptr<Timer> timer(std::function<void()> expired);

 private:
  struct State;
  explicit Loop(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace brood
