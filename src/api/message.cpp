// Messages: message.h. The ABI's brood_msg is the inside's Message.
#include "api/handles.hpp"

using namespace brood;
using namespace brood::api;

extern "C" {

brood_status brood_msg_create(const void* data, size_t size, uint8_t codec, brood_msg** out,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(out);
    Result<MessagePtr> message =
        data != nullptr
            ? Message::copy(std::span(static_cast<const std::byte*>(data), size), codec)
            : Message::zeroed(size, codec);
    if (!message) return message.error();
    *out = to_c(message->release());
    return {};
  });
}

void* brood_msg_data(brood_msg* msg) {
  return msg != nullptr ? from_c(msg)->data() : nullptr;
}
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
    BROOD_NEED(msg);
    BROOD_NEED(handle);
    const std::optional<Handle> shared = from_c(handle)->shared_handle();
    if (!shared) {
      return Error(Code::Unsupported,
                   "this handle's object lives in one process: only cancel tokens can be attached");
    }
    return from_c(msg)->attach(runtime->family().arena(), runtime->family().member(), *shared);
  });
}

brood_status brood_msg_take_cancel(brood_msg* msg, size_t index, brood_cancel** out,
                                   brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(msg);
    BROOD_NEED(out);
    BROOD_LET(handle, from_c(msg)->take(index));
    BROOD_LET(token, CancelToken::open(runtime->family().arena(), runtime->family().member(), handle));
    *out = new brood_cancel(std::move(token));
    return {};
  });
}

void brood_msg_free(brood_msg* msg) {
  if (msg == nullptr || Runtime::forked()) return;
  MessagePtr(from_c(msg)).reset();
}

}  // extern "C"
