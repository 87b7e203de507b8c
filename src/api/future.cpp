// Futures: pool.h.
#include "api/handles.hpp"

using namespace brood;
using namespace brood::api;

extern "C" {

brood_status brood_future_result(brood_future* future, int64_t timeout_ms, brood_cancel* cancel,
                                 brood_msg** out, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(future);
    BROOD_NEED(out);
    BROOD_TRY(check_timeout(timeout_ms));
    // The clock is read only if there is a wait.
    if (!from_c(future)->done()) {
      BROOD_TRY(from_c(future)->wait(Deadline::after_ms(timeout_ms), token(cancel)));
    }
    BROOD_LET(value, from_c(future)->take());
    *out = to_c(value.release());
    return {};
  });
}

brood_status brood_future_wait(brood_future* future, int64_t timeout_ms, brood_cancel* cancel,
                               brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(future);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return from_c(future)->wait(deadline, token(cancel));
  });
}

bool brood_future_done(const brood_future* future) {
  return future != nullptr && from_c(future)->done();
}

brood_status brood_future_cancel(brood_future* future, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(future);
    if (from_c(future)->cancel()) return {};
    return Error(Code::State, "the task is done already: there is nothing to cancel");
  });
}

brood_status brood_future_then(brood_future* future, void (*done)(brood_future*, void*),
                               void* context, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(future);
    BROOD_NEED(done);
    from_c(future)->then([future, done, context] { done(future, context); });
    return {};
  });
}

void brood_future_free(brood_future* future) { give_back(from_c(future)); }

brood_handle* brood_future_handle(brood_future* future) {
  return future != nullptr ? up(from_c(future)) : nullptr;
}

}  // extern "C"
