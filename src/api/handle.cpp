// Waiting, cancelling and collecting: handle.h.
#include "api/handles.hpp"
#include "sync/wait_any.hpp"

using namespace brood;
using namespace brood::api;

extern "C" {

// ---- tokens ------------------------------------------------------------------------------------

brood_status brood_cancel_create(brood_cancel** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(token, CancelToken::create(runtime->household().holdings()));
    *out = new brood_cancel(std::move(token));
    return {};
  });
}

void brood_cancel_fire(brood_cancel* cancel) {
  if (cancel != nullptr) cancel->object.fire();
}
void brood_cancel_reset(brood_cancel* cancel) {
  if (cancel != nullptr) cancel->object.reset();
}
bool brood_cancel_fired(const brood_cancel* cancel) {
  return cancel != nullptr && cancel->object.fired();
}
void brood_cancel_free(brood_cancel* cancel) { give_back(cancel); }
brood_handle* brood_cancel_handle(brood_cancel* cancel) {
  return cancel != nullptr ? up(cancel) : nullptr;
}

// ---- waiting -----------------------------------------------------------------------------------

brood_status brood_wait(brood_handle* const* handles, size_t count, int64_t timeout_ms,
                        brood_cancel* cancel, size_t* out_index, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out_index);
    if (count == 0) return invalid("count is 0: there is nothing to wait for");
    BROOD_NEED(handles);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    std::vector<Waitable*> objects(count);
    for (size_t i = 0; i < count; ++i) {
      if (handles[i] == nullptr) return invalid("handle " + std::to_string(i) + " is NULL");
      objects[i] = from_c(handles[i]);
    }
    BROOD_LET(index, wait_any(*runtime->household().rack(), objects, deadline, token(cancel)));
    *out_index = index;
    return {};
  });
}

brood_status brood_handle_fd(brood_handle* handle, int32_t* out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(handle);
    BROOD_NEED(out);
    BROOD_LET(fd, from_c(handle)->ready_fd());
    *out = fd;
    return {};
  });
}

// ---- completion queues -------------------------------------------------------------------------

brood_status brood_completions_create(brood_completions** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    *out = to_c(new Completions(runtime->household().rack()));
    return {};
  });
}

brood_status brood_completions_add(brood_completions* completions, brood_handle* handle,
                                   uint64_t tag, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(completions);
    BROOD_NEED(handle);
    return from_c(completions)->add(*from_c(handle), tag);
  });
}

brood_status brood_completions_next(brood_completions* completions, int64_t timeout_ms,
                                    brood_cancel* cancel, uint64_t* out_tag, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(completions);
    BROOD_NEED(out_tag);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(tag, from_c(completions)->next(deadline, token(cancel)));
    *out_tag = tag;
    return {};
  });
}

void brood_completions_free(brood_completions* completions) { give_back(from_c(completions)); }
brood_handle* brood_completions_handle(brood_completions* completions) {
  return completions != nullptr ? up(from_c(completions)) : nullptr;
}

}  // extern "C"
