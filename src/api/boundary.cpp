// Reporting failures, and the calls into user code that may throw.
#include "api/boundary.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <optional>
#include <typeinfo>

namespace brood::api {

namespace {

#define BROOD_CODE_MATCHES(name, symbol, number, text) \
  static_assert(BROOD_E_##symbol == number, "error.h and base/error.hpp must agree");
BROOD_CODES(BROOD_CODE_MATCHES)
#undef BROOD_CODE_MATCHES

// The box that brood_last_error() shows. A thread's own.
thread_local std::optional<brood_error> last_error;

brood_error* static_box(Code code) {
  static brood_error timeout{Error(Code::Timeout), true};
  static brood_error closed{Error(Code::Closed), true};
  static brood_error canceled{Error(Code::Canceled), true};
  static brood_error no_memory{Error(Code::NoMemory), true};
  switch (code) {
    case Code::Timeout:
      return &timeout;
    case Code::Closed:
      return &closed;
    case Code::Canceled:
      return &canceled;
    default:
      return &no_memory;
  }
}

std::string class_of(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string text = status == 0 ? name : type.name();
  std::free(name);
  return text;
}

Error remote(std::string kind, std::string message) {
  ErrorRecord record;
  record.code = Code::Remote;
  record.kind = std::move(kind);
  record.message = std::move(message);
  return Error(std::move(record));
}

// Made before anything fails, so that running out of memory can be told.
const Error& out_of_memory() {
  static const Error error(Code::NoMemory);
  return error;
}

}  // namespace

const brood_error* last_failure() noexcept { return last_error ? &*last_error : nullptr; }

brood_status report(const Error& error, brood_error** out) noexcept {
  last_error = brood_error{error, true};
  if (out != nullptr) {
    brood_error* box = new (std::nothrow) brood_error{error, false};
    *out = box != nullptr ? box : static_box(Code::NoMemory);
  }
  return static_cast<brood_status>(error.code());
}

brood_status report_no_memory(brood_error** out) noexcept { return report(out_of_memory(), out); }

Status call_user(void (*function)(brood_task*, void*), brood_task* task, void* context) noexcept {
  try {
    function(task, context);
    return {};
  } catch (const std::exception& exception) {
    return remote(class_of(typeid(exception)), exception.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return remote(type != nullptr ? class_of(*type) : "", "a C++ exception left the task function");
  }
}

}  // namespace brood::api
