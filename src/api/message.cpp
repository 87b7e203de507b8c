// Messages: message.h. The ABI's brood_msg is the inside's Message.
#include "api/sync_handles.hpp"

using namespace brood;
using namespace brood::api;

namespace {

// Takes an attached handle, which must be of the type of `out`.
template <class Box>
brood_status take(brood_msg* msg, size_t index, Box** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(msg);
    BROOD_NEED(out);
    // Looked at first, so that a handle of another type stays where it is.
    BROOD_LET(held, from_c(msg)->peek(index));
    BROOD_LET(object, Box::Inside::from(std::move(held)));
    auto box = std::make_unique<Box>(std::move(object));
    BROOD_TRY(from_c(msg)->take(index));
    *out = box.release();
    return {};
  });
}

}  // namespace

extern "C" {

brood_status brood_msg_create(const void* data, size_t size, uint8_t codec, brood_msg** out,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(out);
    *out = to_c(Message::copy(data, size, codec).release());
    return {};
  });
}

void* brood_msg_data(brood_msg* msg) { return msg != nullptr ? from_c(msg)->data() : nullptr; }
size_t brood_msg_size(const brood_msg* msg) { return msg != nullptr ? from_c(msg)->size() : 0; }
uint8_t brood_msg_codec(const brood_msg* msg) {
  return msg != nullptr ? from_c(msg)->codec() : static_cast<uint8_t>(BROOD_CODEC_RAW);
}
size_t brood_msg_handle_count(const brood_msg* msg) {
  return msg != nullptr ? from_c(msg)->handle_count() : 0;
}

brood_status brood_msg_attach(brood_msg* msg, brood_handle* handle, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(msg);
    BROOD_NEED(handle);
    const SharedObject* shared = from_c(handle)->shared();
    if (shared == nullptr) {
      return Error(Code::Unsupported,
                   "this handle's object lives in one process: it cannot travel in a message");
    }
    return from_c(msg)->attach(shared->held());
  });
}

brood_status brood_msg_take_cancel(brood_msg* msg, size_t index, brood_cancel** out,
                                   brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_lock(brood_msg* msg, size_t index, brood_lock** out,
                                 brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_semaphore(brood_msg* msg, size_t index, brood_semaphore** out,
                                      brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_condition(brood_msg* msg, size_t index, brood_condition** out,
                                      brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_event(brood_msg* msg, size_t index, brood_event** out,
                                  brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_barrier(brood_msg* msg, size_t index, brood_barrier** out,
                                    brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_rwlock(brood_msg* msg, size_t index, brood_rwlock** out,
                                   brood_error** error) {
  return take(msg, index, out, error);
}
brood_status brood_msg_take_shared(brood_msg* msg, size_t index, brood_shared** out,
                                   brood_error** error) {
  return take(msg, index, out, error);
}

void brood_msg_free(brood_msg* msg) {
  if (msg != nullptr && !Runtime::forked()) Message::Drop()(from_c(msg));
}

void brood_msg_free_many(brood_msg* const* msgs, size_t count) {
  if (msgs == nullptr || Runtime::forked()) return;
  for (size_t i = 0; i < count; ++i) Message::Ptr(from_c(msgs[i])).reset();
}

}  // extern "C"
