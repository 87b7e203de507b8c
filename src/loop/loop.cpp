#include "loop/loop.hpp"

#include <uv.h>

#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>
#include <vector>

#include "base/patience.hpp"
#include "platform/platform.hpp"

namespace brood {

namespace {

Error uv_failure(const char* what, int code) { return Error::os(what, -code); }

// libuv lets go of a handle's memory some turns after uv_close(), so each lives in a record of its
// own. For the same reason a callback may destroy the watch or timer that it is called for.
template <class Handle>
struct Record {
  Handle handle{};
  std::function<void(Readiness)> ready;
  std::function<void()> expired;

  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(&handle); }
  static void close(Record* record) {
    record->handle.data = record;
    uv_close(record->base(),
             [](uv_handle_t* closed) { delete static_cast<Record*>(closed->data); });
  }
};
using PollRecord = Record<uv_poll_t>;
using TimerRecord = Record<uv_timer_t>;

void on_poll(uv_poll_t* handle, int status, int events) noexcept {
  Readiness readiness{(events & (UV_READABLE | UV_DISCONNECT)) != 0, (events & UV_WRITABLE) != 0};
  // An error on the fd: whoever reads or writes it is told which.
  if (status < 0 || (events & UV_DISCONNECT)) readiness = {true, true};
  static_cast<PollRecord*>(handle->data)->ready(readiness);
}

void on_timer(uv_timer_t* handle) noexcept { static_cast<TimerRecord*>(handle->data)->expired(); }

class UvWatch final : public Watch {
 public:
  explicit UvWatch(PollRecord* record) : record_(record) {}
  ~UvWatch() override { PollRecord::close(record_); }
  void set(bool read, bool write) override {
    const int events = (read ? UV_READABLE | UV_DISCONNECT : 0) | (write ? UV_WRITABLE : 0);
    if (events == 0) {
      uv_poll_stop(&record_->handle);
    } else {
      uv_poll_start(&record_->handle, events, on_poll);
    }
  }

 private:
  PollRecord* record_;
};

class UvTimer final : public Timer {
 public:
  explicit UvTimer(TimerRecord* record) : record_(record) {}
  ~UvTimer() override { TimerRecord::close(record_); }
  void start_at(Clock::time_point at) override {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(at - Clock::now()).count();
    // The loop's idea of now is from the beginning of this turn, and cut to a millisecond.
    uv_update_time(record_->handle.loop);
    uv_timer_start(&record_->handle, on_timer, left > 0 ? static_cast<uint64_t>(left) + 1 : 0, 0);
  }
  void stop() override { uv_timer_stop(&record_->handle); }

 private:
  TimerRecord* record_;
};

}  // namespace

struct Loop::State {
  uv_loop_t loop{};
  uv_async_t wake{};
  platform::Thread* thread = nullptr;
  std::atomic<std::thread::id> thread_id{};  // set before the first callback runs

  std::mutex mutex;  // guards the two below
  std::vector<std::function<void()>> posted;
  bool stopping = false;

  static void on_wake(uv_async_t* handle) noexcept {
    static_cast<State*>(handle->data)->run_posted();
  }

  void run_posted() {
    for (;;) {
      std::vector<std::function<void()>> batch;
      bool stop;
      {
        std::lock_guard lock(mutex);
        batch.swap(posted);
        stop = stopping;
      }
      for (auto& function : batch) function();
      if (!batch.empty()) continue;
      if (stop) uv_stop(&loop);
      return;
    }
  }

  void run() noexcept {
    thread_id = std::this_thread::get_id();
    uv_run(&loop, UV_RUN_DEFAULT);
    // Stopped. Handles whose owners are gone finish closing; those of owners that are late are only
    // silenced, since their owner still closes them.
    uv_close(reinterpret_cast<uv_handle_t*>(&wake), nullptr);
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0 && uv_loop_alive(&loop) && has_closing()) {
    }
    uv_loop_close(&loop);
  }

  bool has_closing() {
    bool closing = false;
    uv_walk(
        &loop,
        [](uv_handle_t* handle, void* found) {
          if (uv_is_closing(handle)) *static_cast<bool*>(found) = true;
        },
        &closing);
    return closing;
  }
};

namespace {

// libuv ends the program when it finds no fds for its first loop, and forgets those it has when it
// finds too few for another: whether there are as many as it takes is found out here.
Status ask_for_fds() {
  constexpr int kPipes = 3;
  std::vector<platform::FdPair> pipes;
  for (int count = 0; count < kPipes; ++count) {
    auto pipe = platform::make_pipe();
    if (!pipe) return pipe.error().with_context("the fds of an event loop");
    pipes.push_back(std::move(*pipe));
  }
  return {};
}

}  // namespace

Loop::Loop(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Loop>> Loop::start() {
  // libuv aborts the program when it must close an fd of its own that is a standard stream's.
  const auto filled = platform::fill_standard_streams();
  BROOD_TRY(ask_for_fds());
  auto state = std::make_unique<State>();
  const Patience patience;  // what libuv has made must be closed
  if (int failed = uv_loop_init(&state->loop))
    return uv_failure("cannot make an event loop", failed);
  if (int failed = uv_async_init(&state->loop, &state->wake, State::on_wake)) {
    uv_loop_close(&state->loop);
    return uv_failure("cannot make an event loop", failed);
  }
  state->wake.data = state.get();
  auto thread = platform::start_thread("brood-loop", [raw = state.get()] { raw->run(); });
  if (!thread) {
    uv_close(reinterpret_cast<uv_handle_t*>(&state->wake), nullptr);
    uv_run(&state->loop, UV_RUN_DEFAULT);
    uv_loop_close(&state->loop);
    return thread.error();
  }
  state->thread = *thread;
  return std::unique_ptr<Loop>(new Loop(std::move(state)));
}

Loop::~Loop() {
  assert(!on_loop_thread());
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    uv_async_send(&state_->wake);
  }
  platform::join_thread(state_->thread);
}

void Loop::post(std::function<void()> function) {
  // Under the lock, so that the wake-up cannot come after the handle was closed.
  std::lock_guard lock(state_->mutex);
  state_->posted.push_back(std::move(function));
  uv_async_send(&state_->wake);
}

bool Loop::on_loop_thread() const { return std::this_thread::get_id() == state_->thread_id; }

Result<std::unique_ptr<Watch>> Loop::watch(int fd, bool read, bool write,
                                           std::function<void(Readiness)> ready) {
  assert(on_loop_thread());
  auto record = std::make_unique<PollRecord>();
  record->ready = std::move(ready);
  record->handle.data = record.get();
  if (int failed = uv_poll_init(&state_->loop, &record->handle, fd)) {
    return uv_failure("cannot watch an fd", failed);
  }
  std::unique_ptr<Watch> watch = std::make_unique<UvWatch>(record.release());
  watch->set(read, write);
  return watch;
}

std::unique_ptr<Timer> Loop::timer(std::function<void()> expired) {
  assert(on_loop_thread());
  auto* record = new TimerRecord;
  record->expired = std::move(expired);
  record->handle.data = record;
  uv_timer_init(&state_->loop, &record->handle);
  return std::make_unique<UvTimer>(record);
}

}  // namespace brood
