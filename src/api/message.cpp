// Messages: message.h. The ABI's brood_msg is the inside's Message.
#include "api/sync_handles.hpp"

using namespace brood;
using namespace brood::api;

namespace {

static_assert(BROOD_HANDLE_CANCEL == static_cast<int>(ObjectType::Cancel) &&
              BROOD_HANDLE_LOCK == static_cast<int>(ObjectType::Lock) &&
              BROOD_HANDLE_SEMAPHORE == static_cast<int>(ObjectType::Semaphore) &&
              BROOD_HANDLE_CONDITION == static_cast<int>(ObjectType::Condition) &&
              BROOD_HANDLE_EVENT == static_cast<int>(ObjectType::Event) &&
              BROOD_HANDLE_BARRIER == static_cast<int>(ObjectType::Barrier) &&
              BROOD_HANDLE_RWLOCK == static_cast<int>(ObjectType::RwLock) &&
              BROOD_HANDLE_SHARED == static_cast<int>(ObjectType::Shared) &&
              BROOD_HANDLE_QUEUE == static_cast<int>(ObjectType::Queue));

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

int32_t brood_msg_handle_type(const brood_msg* msg, size_t index) {
  return quietly([&]() -> int32_t {
    if (msg == nullptr || !Runtime::open() || index >= from_c(msg)->handle_count()) return 0;
    Result<Held> held = from_c(msg)->peek(index);
    if (!held) return BROOD_HANDLE_NONE;
    const auto type = static_cast<ObjectType>(held->header()->type);
    // An end of a pipe is what travels; the pipe itself is the inside's.
    return type == ObjectType::PipeEnd ? BROOD_HANDLE_PIPE : static_cast<int32_t>(type);
  });
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
