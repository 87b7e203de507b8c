// Calls without the GVL. A wait holds a token: when Ruby wants its thread back (a signal,
// Thread#kill, Thread#raise, Timeout) the unblock function fires it, and the wait ends at once.
// Nothing here may have a destructor: Ruby's exceptions jump over it.
#pragma once

#include <brood/handle.h>
#include <ruby.h>
#include <ruby/thread.h>

#include <cstring>
#include <ctime>

#include "ruby/handles.hpp"

namespace brood_ruby {

inline int64_t now_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// Tokens that no wait holds; as many exist as threads ever waited at once. The GVL guards the list.
struct Token {
  brood_cancel *cancel;
  Token *next;
};
inline Token *free_tokens = nullptr;

inline Token *take_token(brood_error **failure) {
  Token *token = free_tokens;
  if (token != nullptr) {
    free_tokens = token->next;
    return token;
  }
  brood_cancel *cancel = nullptr;
  if (brood_cancel_create(&cancel, failure) != BROOD_OK) return nullptr;
  return new Token{cancel, nullptr};
}
inline void give_token(Token *token) {
  brood_cancel_reset(token->cancel);
  token->next = free_tokens;
  free_tokens = token;
}

// Ruby's own thread that sees signals, and wakes the main thread by its unblock function, is any
// thread that sleeps; while all others run or wait outside Ruby there is none. From the first wait
// of the main thread beside other threads on there is always one. (Alone, its signal handler does
// it.)
inline bool signals_are_seen = false;
inline void see_signals() {
  if (signals_are_seen || rb_thread_alone() || rb_thread_current() != rb_thread_main()) return;
  signals_are_seen = true;
  const VALUE thread = rb_thread_create(
      [](void *) -> VALUE {
        for (;;) rb_thread_sleep_forever();
      },
      nullptr);
  rb_funcall(thread, rb_intern("name="), 1, rb_str_new_cstr("brood-signals"));
}

inline void fire(void *cancel) { brood_cancel_fire(static_cast<brood_cancel *>(cancel)); }

// Runs `call` without the GVL; false, and it did not run, when Ruby wants the thread first. Raises
// nothing: rb_thread_call_without_gvl() would, after the call, and lose its result.
template <class Call>
bool without_gvl(int argc, VALUE *argv, brood_cancel *cancel, Call &call) {
  struct Region {
    Call *call;
    bool ran;
  } region = {&call, false};
  enter_call(argc, argv);
  // brood_cancel_fire() is async-signal-safe: without that flag Ruby starts a thread for each wait.
  rb_nogvl(
      [](void *data) -> void * {
        auto *region = static_cast<Region *>(data);
        region->ran = true;
        (*region->call)();
        return nullptr;
      },
      &region, cancel != nullptr ? fire : nullptr, cancel,
      RB_NOGVL_INTR_FAIL | RB_NOGVL_UBF_ASYNC_SAFE);
  leave_call(argc, argv);
  return region.ran;
}

// Whether a call is over sooner than the GVL would be had again from a busy thread, which keeps it
// for 100 ms: it copies a few bytes, and starts no process.
inline bool is_short(const char *function, int argc, VALUE *argv) {
  constexpr long kFewBytes = 65536;
  const bool copies = std::strcmp(function, "brood_pool_submit") == 0 ||
                      std::strcmp(function, "brood_pool_submit_msg") == 0 ||
                      std::strcmp(function, "brood_shared_read") == 0 ||
                      std::strcmp(function, "brood_shared_write") == 0;
  if (!copies) return false;
  for (int i = 0; i < argc; ++i) {
    if (RB_TYPE_P(argv[i], T_STRING) && RSTRING_LEN(argv[i]) > kFewBytes) return false;
  }
  return true;
}

// A call that takes long and waits for nobody, except for room in a pool, by a token of its own.
template <class Call>
void work(const char *function, int argc, VALUE *argv, Call call) {
  brood_cancel *const cancel = token_of(argc, argv);
  if (cancel == nullptr && is_short(function, argc, argv)) {
    call();
    return;
  }
  while (!without_gvl(argc, argv, cancel, call)) rb_thread_check_ints();
}

// A call that waits. It tries without waiting first, unless a try would change something: what is
// there at once costs no GVL. An interrupt that raises nothing (a signal's handler) lets it go on,
// unless it cannot be done in two pieces: that is BROOD_E_CANCELED then.
template <class Call>
brood_status wait(int argc, VALUE *argv, int64_t *timeout_ms, brood_cancel **cancel,
                  brood_error **failure, bool in_pieces, Call call) {
  const int64_t whole_ms = *timeout_ms;
  *cancel = nullptr;
  if (whole_ms == 0 || in_pieces) {
    if (whole_ms >= BROOD_FOREVER) *timeout_ms = 0;
    const brood_status status = call();
    if (status != BROOD_E_TIMEOUT || whole_ms == 0) return status;
    brood_error_free(*failure);
    *failure = nullptr;
    *timeout_ms = whole_ms;
  }
  see_signals();
  const int64_t deadline_ms = whole_ms > 0 ? now_ms() + whole_ms : 0;
  for (;;) {
    Token *const token = take_token(failure);
    if (token == nullptr) return brood_error_code(*failure);
    *cancel = token->cancel;
    brood_status status = BROOD_E_CANCELED;
    const auto run = [&] { status = call(); };
    const bool ran = without_gvl(argc, argv, token->cancel, run);
    // A task that was cancelled ends a wait for it in the same way, without our token.
    const bool interrupted =
        status == BROOD_E_CANCELED && (!ran || brood_cancel_fired(token->cancel));
    give_token(token);
    if (!interrupted) return status;
    brood_error_free(*failure);
    *failure = nullptr;
    rb_thread_check_ints();
    if (ran && !in_pieces) return BROOD_E_CANCELED;
    if (whole_ms > 0) {
      const int64_t left_ms = deadline_ms - now_ms();
      *timeout_ms = left_ms > 0 ? left_ms : 0;
    }
  }
}

}  // namespace brood_ruby
