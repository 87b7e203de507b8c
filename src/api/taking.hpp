// Taking a handle out of a message, for objects that need the thread's bells.
#pragma once

#include "api/handles.hpp"

namespace brood::api {

template <class Box>
brood_status take_handle(brood_msg* msg, size_t index, Box** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(msg);
    BROOD_NEED(out);
    // Looked at first, so that a handle of another type stays where it is.
    BROOD_LET(held, from_c(msg)->peek(index));
    BROOD_LET(object, Box::Inside::from(std::move(held), runtime->household().rack()));
    auto box = std::make_unique<Box>(std::move(object));
    BROOD_TRY(from_c(msg)->take(index));
    *out = box.release();
    return {};
  });
}

}  // namespace brood::api
