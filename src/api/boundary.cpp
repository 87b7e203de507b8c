// Reporting failures, and the calls into user code that may throw.
#include "api/boundary.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>
#include <utility>

namespace brood::api {

namespace {

#define BROOD_CODE_MATCHES(name, symbol, number, text) \
  static_assert(BROOD_E_##symbol == number, "error.h and base/error.hpp must agree");
BROOD_CODES(BROOD_CODE_MATCHES)
#undef BROOD_CODE_MATCHES

// The box that brood_last_error() shows: a thread's own, and who frees it when the thread ends. The
// pointer alone outlives that, for exit handlers of the main thread.
thread_local brood_error* last_error = nullptr;
struct LastErrorKeeper {
  ~LastErrorKeeper() { delete std::exchange(last_error, nullptr); }
};
thread_local LastErrorKeeper keeper;

// Never destroyed, and made before anything fails, so that running out of memory can be told.
brood_error* out_of_memory() {
  static auto* box = new brood_error{Error(Code::NoMemory), true};
  return box;
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

}  // namespace

const brood_error* last_failure() noexcept { return last_error; }

brood_status report(const Error& error, brood_error** out) noexcept {
  static_cast<void>(&keeper);  // made before its destructor is due
  if (last_error == nullptr) last_error = new (std::nothrow) brood_error{error, true};
  if (last_error != nullptr) last_error->error = error;
  if (out != nullptr) {
    brood_error* box = new (std::nothrow) brood_error{error, false};
    *out = box != nullptr ? box : out_of_memory();
  }
  return static_cast<brood_status>(error.code());
}

brood_status report_no_memory(brood_error** out) noexcept {
  return report(out_of_memory()->error, out);
}

Error invalid_timeout(int64_t timeout_ms, const char* name) {
  return invalid(std::string(name) + " is " + std::to_string(timeout_ms) +
                 "; give milliseconds, 0 to try once, or BROOD_FOREVER (-1)");
}

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
