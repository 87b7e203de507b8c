// Messages: message.h. The ABI's brood_msg is the inside's Message.
#include "api/handles.hpp"

using namespace brood;
using namespace brood::api;

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
    const CancelToken* token = from_c(handle)->token_to_watch();
    if (token == nullptr) {
      return Error(Code::Unsupported,
                   "this handle's object lives in one process: only cancel tokens can be attached");
    }
    return from_c(msg)->attach(token->held());
  });
}

brood_status brood_msg_take_cancel(brood_msg* msg, size_t index, brood_cancel** out,
                                   brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(msg);
    BROOD_NEED(out);
    BROOD_LET(held, from_c(msg)->take(index));
    BROOD_LET(token, CancelToken::from(std::move(held)));
    *out = new brood_cancel(std::move(token));
    return {};
  });
}

void brood_msg_free(brood_msg* msg) { brood_msg_free_many(&msg, 1); }

void brood_msg_free_many(brood_msg* const* msgs, size_t count) {
  if (msgs == nullptr || Runtime::forked()) return;
  for (size_t i = 0; i < count; ++i) Message::Ptr(from_c(msgs[i])).reset();
}

}  // extern "C"
