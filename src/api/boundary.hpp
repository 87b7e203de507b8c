// Where C meets C++: every public function that can fail runs inside guard(), which turns a Status
// into a code and an error record, and is the one place that catches everything.
#pragma once

#include <brood/brood.h>

#include <cstring>
#include <new>
#include <span>
#include <string>

#include "base/deadline.hpp"
#include "base/result.hpp"

// The ABI's error: a box round an Error. Expected outcomes are static boxes, which are never freed.
struct brood_error {
  brood::Error error;
  bool is_static = false;
};

namespace brood::api {

// Remembers the error for brood_last_error() and gives a copy to `out`, if wanted. Returns its
// code.
brood_status report(const Error& error, brood_error** out) noexcept;
// What brood_last_error() shows on this thread.
const brood_error* last_failure() noexcept;
brood_status report_no_memory(brood_error** out) noexcept;

template <class Function>
brood_status guard(brood_error** out, Function function) noexcept {
  try {
    Status status = function();
    if (status) return BROOD_OK;
    return report(status.error(), out);
  } catch (const std::bad_alloc&) {
    return report_no_memory(out);
  } catch (...) {
    return report(Error(Code::Internal, "an exception reached the boundary: a bug in brood"), out);
  }
}

// For functions that cannot fail.
template <class Function>
auto quietly(Function function) noexcept -> decltype(function()) {
  try {
    return function();
  } catch (...) {
    return decltype(function())();
  }
}

// Calls a user's task function; an exception that leaves it becomes a Remote error with its class.
Status call_user(void (*function)(brood_task*, void*), brood_task* task, void* context) noexcept;

// The options that the caller gave, cut or filled to what this library knows.
template <class Options>
Result<Options> read_options(const Options* given, const char* name) {
  Options options;
  std::memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  if (given == nullptr) return options;
  const size_t size = given->struct_size;
  if (size < sizeof(size_t) || size > 65536) {
    return Error(Code::Invalid, std::string(name) + ": struct_size is " + std::to_string(size) +
                                    "; begin with its _INIT macro, which sets it");
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (size_t i = sizeof options; i < size; ++i) {
    if (bytes[i] != 0) {
      return Error(Code::Unsupported, std::string(name) +
                                          " sets a field that this version of brood (" +
                                          brood_version() + ") does not know");
    }
  }
  std::memcpy(&options, given, size < sizeof options ? size : sizeof options);
  return options;
}

inline Error invalid(std::string message) { return Error(Code::Invalid, std::move(message)); }

Error invalid_timeout(int64_t timeout_ms, const char* name);
inline Status check_timeout(int64_t timeout_ms, const char* name = "timeout_ms") {
  if (timeout_ms >= BROOD_FOREVER) return {};
  return invalid_timeout(timeout_ms, name);
}

// A deadline from a public timeout.
inline Result<Deadline> read_timeout(int64_t timeout_ms, const char* name = "timeout_ms") {
  BROOD_TRY(check_timeout(timeout_ms, name));
  return Deadline::after_ms(timeout_ms);
}

// Bytes that come in: NULL only with size 0.
inline Result<std::span<const std::byte>> read_bytes(const void* data, size_t size) {
  if (data == nullptr && size != 0) {
    return invalid("data is NULL but size is " + std::to_string(size) +
                   "; NULL goes with 0, for an empty message");
  }
  return std::span(static_cast<const std::byte*>(data), size);
}

inline Result<std::string_view> read_name(const char* name, const char* what) {
  if (name == nullptr || *name == 0) {
    return invalid(std::string(what) + " is " + (name == nullptr ? "NULL" : "empty") +
                   "; give 1 to 255 bytes of UTF-8");
  }
  const size_t length = std::strlen(name);
  if (length > 255) {
    return invalid(std::string(what) + " has " + std::to_string(length) +
                   " bytes; give 1 to 255 bytes of UTF-8");
  }
  return std::string_view(name, length);
}

#define BROOD_NEED(pointer)                                                    \
  do {                                                                         \
    if ((pointer) == nullptr) return brood::api::invalid(#pointer " is NULL"); \
  } while (0)

// `auto name = value of the Result expression`, or leave with its error.
#define BROOD_LET(name, expression)                 \
  auto name##_result = (expression);                \
  if (!name##_result) return name##_result.error(); \
  auto& name = *name##_result

}  // namespace brood::api
