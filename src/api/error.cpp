// Status codes and error records: error.h.
#include <new>

#include "api/boundary.hpp"

extern "C" {

const char* brood_version(void) { return BROOD_VERSION; }

const brood_error* brood_last_error(void) { return brood::api::last_failure(); }

const char* brood_status_name(brood_status status) { return brood::code_name(status); }

brood_status brood_error_code(const brood_error* error) {
  return error != nullptr ? static_cast<brood_status>(error->error.code()) : BROOD_OK;
}
const char* brood_error_message(const brood_error* error) {
  return error != nullptr ? error->error.message().c_str() : "";
}
const char* brood_error_kind(const brood_error* error) {
  return error != nullptr ? error->error.record().kind.c_str() : "";
}
const char* brood_error_traceback(const brood_error* error) {
  return error != nullptr ? error->error.record().traceback.c_str() : "";
}
int64_t brood_error_pid(const brood_error* error) {
  return error != nullptr ? error->error.record().pid : 0;
}
int32_t brood_error_exit_code(const brood_error* error) {
  return error != nullptr ? error->error.record().exit_code : -1;
}
int32_t brood_error_signal(const brood_error* error) {
  return error != nullptr ? error->error.record().signal : 0;
}
int32_t brood_error_os_code(const brood_error* error) {
  return error != nullptr ? error->error.record().os_code : 0;
}

brood_error* brood_error_copy(const brood_error* error) {
  return error != nullptr ? new (std::nothrow) brood_error{error->error, false} : nullptr;
}
void brood_error_free(brood_error* error) {
  if (error != nullptr && !error->is_static) delete error;
}

}  // extern "C"
