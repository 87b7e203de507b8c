#include "base/error.hpp"

#include <cerrno>
#include <system_error>

namespace brood {

namespace {

const char* standard_text(Code code) {
  switch (code) {
    case Code::Ok:
      return "no error";
#define BROOD_CODE_TEXT(name, symbol, number, text) \
  case Code::name:                                  \
    return text;
      BROOD_CODES(BROOD_CODE_TEXT)
#undef BROOD_CODE_TEXT
  }
  return "an unknown code";
}

std::shared_ptr<const ErrorRecord> make_record(Code code, std::string message) {
  ErrorRecord record;
  record.code = code;
  record.message = std::move(message);
  return std::make_shared<const ErrorRecord>(std::move(record));
}

// The records of the expected outcomes are never destroyed: other threads, and exit handlers,
// report them while the program ends.
const std::shared_ptr<const ErrorRecord>& lasting_record(Code code) {
  return *new std::shared_ptr<const ErrorRecord>(make_record(code, standard_text(code)));
}

std::shared_ptr<const ErrorRecord> standard_record(Code code) {
  static const auto& timeout = lasting_record(Code::Timeout);
  static const auto& closed = lasting_record(Code::Closed);
  static const auto& canceled = lasting_record(Code::Canceled);
  static const auto& no_memory = lasting_record(Code::NoMemory);
  switch (code) {
    case Code::Timeout:
      return timeout;
    case Code::Closed:
      return closed;
    case Code::Canceled:
      return canceled;
    case Code::NoMemory:
      return no_memory;
    default:
      return make_record(code, standard_text(code));
  }
}

}  // namespace

const char* code_name(int32_t code) {
  switch (code) {
    case 0:
      return "BROOD_OK";
#define BROOD_CODE_NAME(name, symbol, number, text) \
  case number:                                      \
    return "BROOD_E_" #symbol;
      BROOD_CODES(BROOD_CODE_NAME)
#undef BROOD_CODE_NAME
    default:
      return "BROOD_E_?";
  }
}

bool is_failure_code(int32_t code) {
  switch (code) {
#define BROOD_CODE_KNOWN(name, symbol, number, text) case number:
    BROOD_CODES(BROOD_CODE_KNOWN)
#undef BROOD_CODE_KNOWN
    return true;
    default:
      return false;
  }
}

Error::Error(Code code) : record_(standard_record(code)) {}
Error::Error(Code code, std::string message) : record_(make_record(code, std::move(message))) {}
Error::Error(ErrorRecord record)
    : record_(std::make_shared<const ErrorRecord>(std::move(record))) {}

Error Error::os(std::string_view what, int os_code) {
  ErrorRecord record;
  record.code = os_code == ENOMEM ? Code::NoMemory : Code::Os;
  record.message = std::string(what) + ": " + std::generic_category().message(os_code);
  record.os_code = os_code;
  return Error(std::move(record));
}

Error Error::with_context(std::string_view context) const {
  ErrorRecord record = *record_;
  record.message = std::string(context) + ": " + record.message;
  return Error(std::move(record));
}

}  // namespace brood
