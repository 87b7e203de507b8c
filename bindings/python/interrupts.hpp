// Waits that a signal ends at once. Python notices signals in its main thread only, between two
// byte codes; a wait in C is not between two. While the main thread waits, the signal wakeup fd is
// ours: a helper thread reads it and fires the token that the wait holds. A byte that was meant for
// the fd that was there before (asyncio's) is passed on.
#pragma once

#include <Python.h>
#include <brood/handle.h>
#include <brood/sync.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

namespace brood_python {

inline int64_t now_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// The helper thread and its token; made with the first wait that needs them, by the main thread.
class Interrupts {
 public:
  static Interrupts& instance() {
    static auto* interrupts = new Interrupts;  // outlives every thread
    return *interrupts;
  }

  // True in the process's main thread, unless this process was forked off by one with a helper.
  bool usable() {
    if (forked_.load(std::memory_order_relaxed)) return false;
    thread_local const bool main_thread = syscall(SYS_gettid) == getpid();
    return main_thread && (token_ != nullptr || start());
  }
  brood_cancel* token() const { return token_; }
  // Makes the wakeup fd ours until disarm(). False, with no exception set, when Python refuses.
  bool arm() {
    brood_cancel_reset(token_);
    PyObject* before = set_wakeup_fd(write_fd_);
    if (before == nullptr) return false;
    forward_to_.store(static_cast<int>(PyLong_AsLong(before)), std::memory_order_relaxed);
    Py_DECREF(before);
    return true;
  }
  void disarm() {
    // The exception of a handler, if there is one, must survive this.
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject* ours = set_wakeup_fd(forward_to_.load(std::memory_order_relaxed));
    if (ours == nullptr) ours = set_wakeup_fd(-1);  // the other fd was closed meanwhile
    Py_XDECREF(ours);
    PyErr_Restore(type, value, trace);
  }

 private:
  // signal.set_wakeup_fd(): the C function is not exported by every Python.
  PyObject* set_wakeup_fd(int fd) {
    PyObject* number = PyLong_FromLong(fd);
    PyObject* args[2] = {number, Py_False};
    PyObject* before =
        number != nullptr ? PyObject_Vectorcall(set_wakeup_fd_, args, 1, names_) : nullptr;
    Py_XDECREF(number);
    if (before == nullptr) PyErr_Clear();
    return before;
  }

  bool find_python() {
    PyObject* module = PyImport_ImportModule("signal");
    if (module != nullptr) set_wakeup_fd_ = PyObject_GetAttrString(module, "set_wakeup_fd");
    Py_XDECREF(module);
    names_ = Py_BuildValue("(s)", "warn_on_full_buffer");
    if (set_wakeup_fd_ != nullptr && names_ != nullptr) return true;
    PyErr_Clear();
    return false;
  }

  bool start() {
    if (!find_python()) return false;
    int fds[2] = {-1, -1};
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    read_fd_ = fds[0];
    write_fd_ = fds[1];
    brood_cancel* token = nullptr;
    if (brood_cancel_create(&token, nullptr) != BROOD_OK || !start_thread(token)) {
      brood_cancel_free(token);
      close(fds[0]);
      close(fds[1]);
      return false;
    }
    token_ = token;
    pthread_atfork(nullptr, nullptr, [] { instance().forked_.store(true); });
    return true;
  }

  bool start_thread(brood_cancel* token) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_token_ = token;
    pthread_t thread;
    const int failed = pthread_create(&thread, nullptr, &run, this);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failed == 0) pthread_detach(thread);
    return failed == 0;
  }

  static void* run(void* self) {
    static_cast<Interrupts*>(self)->listen();
    return nullptr;
  }
  void listen() {
    char bytes[64];
    for (;;) {
      const ssize_t size = read(read_fd_, bytes, sizeof bytes);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;
      const int other = forward_to_.load(std::memory_order_relaxed);
      // A full fd of somebody else loses nothing: it is readable already.
      if (other >= 0 && write(other, bytes, static_cast<size_t>(size)) < 0) errno = 0;
      brood_cancel_fire(thread_token_);
    }
  }

  PyObject* set_wakeup_fd_ = nullptr;
  PyObject* names_ = nullptr;  // of its keyword argument
  int read_fd_ = -1;
  int write_fd_ = -1;
  brood_cancel* token_ = nullptr;         // the main thread's
  brood_cancel* thread_token_ = nullptr;  // the same, set before the helper starts
  std::atomic<int> forward_to_{-1};
  std::atomic<bool> forked_{false};
};

// One wait that can be begun again. It tries without waiting first: what is there at once costs
// neither the GIL nor the wakeup fd. Then it gives the GIL away while it lasts, and begins again
// after a signal whose handler raised nothing.
class Wait {
 public:
  Wait(int64_t* timeout_ms, brood_cancel** cancel)
      : timeout_ms_(timeout_ms), cancel_(cancel), whole_ms_(*timeout_ms) {
    *timeout_ms_ = whole_ms_ >= 0 || whole_ms_ == BROOD_FOREVER ? 0 : whole_ms_;
  }
  ~Wait() {
    if (armed_) Interrupts::instance().disarm();
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  // False when there is a result, or a signal's handler has raised.
  bool begin() {
    if (over_) return false;
    if (waiting_) state_ = PyEval_SaveThread();
    return true;
  }

  void end(brood_status status, brood_error** failure) {
    if (!waiting_) {
      over_ = status != BROOD_E_TIMEOUT || whole_ms_ == 0;
      if (over_) return;
      forget(failure);
      prepare();
      return;
    }
    PyEval_RestoreThread(state_);
    over_ = !armed_ || status != BROOD_E_CANCELED;
    if (over_) return;
    // First the reset: a signal that comes after it fires the token again.
    brood_cancel_reset(*cancel_);
    forget(failure);
    over_ = PyErr_CheckSignals() != 0;
    if (whole_ms_ > 0) {
      const int64_t left = deadline_ms_ - now_ms();
      *timeout_ms_ = left > 0 ? left : 0;
    }
  }

 private:
  void prepare() {
    waiting_ = true;
    *timeout_ms_ = whole_ms_;
    Interrupts& interrupts = Interrupts::instance();
    armed_ = interrupts.usable() && interrupts.arm();
    if (!armed_) return;
    *cancel_ = interrupts.token();
    if (whole_ms_ > 0) deadline_ms_ = now_ms() + whole_ms_;
    // A signal that came before the fd was ours; if its handler raises nothing is begun.
    over_ = PyErr_CheckSignals() != 0;
  }
  void forget(brood_error** failure) {
    brood_error_free(*failure);
    *failure = nullptr;
  }

  int64_t* const timeout_ms_;
  brood_cancel** const cancel_;
  const int64_t whole_ms_;
  int64_t deadline_ms_ = 0;
  PyThreadState* state_ = nullptr;
  bool waiting_ = false;
  bool armed_ = false;
  bool over_ = false;
};

// One wait that must not be begun again, because its end changes something: a barrier breaks, a
// condition's signal goes to somebody else. In the main thread another thread waits in its place,
// and is told to end only when a signal's handler has raised.
class WholeWait {
 public:
  WholeWait(int64_t timeout_ms, brood_cancel** cancel) : timeout_ms_(timeout_ms), cancel_(cancel) {}

  template <class Call>
  void run(Call&& call, brood_error** failure) {
    Interrupts& interrupts = Interrupts::instance();
    if (timeout_ms_ == 0 || !interrupts.usable() || !prepare() || !interrupts.arm()) {
      Py_BEGIN_ALLOW_THREADS call();
      Py_END_ALLOW_THREADS return;
    }
    // A signal that came before the fd was ours.
    if (PyErr_CheckSignals() == 0) run_beside(std::forward<Call>(call), interrupts, failure);
    interrupts.disarm();
  }
  ~WholeWait() {
    brood_event_free(ended_);
    brood_cancel_free(token_);
  }
  WholeWait() = delete;
  WholeWait(const WholeWait&) = delete;
  WholeWait& operator=(const WholeWait&) = delete;

 private:
  bool prepare() {
    return brood_event_create(&ended_, nullptr) == BROOD_OK &&
           brood_cancel_create(&token_, nullptr) == BROOD_OK;
  }

  template <class Call>
  void run_beside(Call&& call, Interrupts& interrupts, brood_error** failure) {
    struct Beside {
      Call& call;
      brood_event* ended;
      static void* run(void* self) {
        auto* beside = static_cast<Beside*>(self);
        beside->call();
        brood_event_set(beside->ended);
        return nullptr;
      }
    } beside{call, ended_};
    *cancel_ = token_;
    pthread_t thread;
    if (!start(&thread, &Beside::run, &beside)) {
      PyErr_NoMemory();
      return;
    }
    while (true) {
      brood_status ended = BROOD_OK;
      Py_BEGIN_ALLOW_THREADS ended =
          brood_event_wait(ended_, BROOD_FOREVER, interrupts.token(), nullptr);
      Py_END_ALLOW_THREADS if (ended != BROOD_E_CANCELED) break;
      // First the reset: a signal that comes after it fires the token again.
      brood_cancel_reset(interrupts.token());
      if (PyErr_CheckSignals() != 0) break;
    }
    if (PyErr_Occurred()) brood_cancel_fire(token_);
    Py_BEGIN_ALLOW_THREADS pthread_join(thread, nullptr);
    Py_END_ALLOW_THREADS if (!PyErr_Occurred()) return;
    brood_error_free(*failure);
    *failure = nullptr;
  }

  // Signals are the main thread's.
  static bool start(pthread_t* thread, void* (*run)(void*), void* argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(thread, nullptr, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return failed == 0;
  }

  const int64_t timeout_ms_;
  brood_cancel** const cancel_;
  brood_event* ended_ = nullptr;
  brood_cancel* token_ = nullptr;
};

}  // namespace brood_python
