// Threads of brood's own. They block every signal: the program's handlers never run on them.
#include <pthread.h>

#include <csignal>
#include <memory>
#include <utility>

#include "base/patience.hpp"
#include "platform/platform.hpp"

namespace brood::platform {

struct Thread {
  pthread_t handle;
  std::string name;
  std::function<void()> main;
};

namespace {

void* run_thread(void* argument) noexcept {
  auto* thread = static_cast<Thread*>(argument);
  const Patience patience;  // there is nobody to tell
  pthread_setname_np(pthread_self(), thread->name.c_str());
  thread->main();
  return nullptr;
}

}  // namespace

Result<Thread*> start_thread(const char* name, std::function<void()> main) {
  auto thread = std::make_unique<Thread>();
  thread->name = std::string(name).substr(0, 15);  // what the kernel keeps
  thread->main = std::move(main);
  // A thread is born with its maker's mask, so that there is no moment at which a signal gets in.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&thread->handle, nullptr, run_thread, thread.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed != 0) return Error::os("cannot start a thread", failed);
  return thread.release();
}

void join_thread(Thread* thread) {
  pthread_join(thread->handle, nullptr);
  delete thread;
}

}  // namespace brood::platform
