// What went wrong, as every floor reports it: a code that programs branch on and a story that
// people read. An Error is a shared pointer to an immutable record, so passing one on costs
// nothing, and the expected outcomes (timeout, closed, canceled) share static records: reporting
// them allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace brood {

// The one list of codes: name, number, what it means in a sentence without a story of its own.
#define BROOD_CODES(X)                                                       \
  X(Timeout, TIMEOUT, -1, "the time ran out")                                \
  X(Closed, CLOSED, -2, "closed: nothing more will come or be accepted")     \
  X(Canceled, CANCELED, -3, "cancelled")                                     \
  X(Invalid, INVALID, -10, "an argument breaks its rule")                    \
  X(State, STATE, -11, "the right call at the wrong moment")                 \
  X(NoFunction, NO_FUNCTION, -12, "no function of that name is registered")  \
  X(TooBig, TOO_BIG, -13, "more than could ever fit")                        \
  X(Unsupported, UNSUPPORTED, -14, "not supported here")                     \
  X(Forked, FORKED, -15, "the handle belongs to the parent of this process") \
  X(NoMemory, NO_MEMORY, -20, "out of memory")                               \
  X(Os, OS, -21, "the system refused")                                       \
  X(NoSpace, NO_SPACE, -22, "a fixed table is full")                         \
  X(Remote, REMOTE, -30, "the function reported a failure")                  \
  X(WorkerLost, WORKER_LOST, -31, "the worker died while it ran the task")   \
  X(TaskTimeout, TASK_TIMEOUT, -32, "the task passed its run limit")         \
  X(OwnerDied, OWNER_DIED, -33, "the lock's holder died")                    \
  X(Protocol, PROTOCOL, -34, "the other side broke the protocol")            \
  X(InitFailed, INIT_FAILED, -35, "a worker could not be made ready")        \
  X(Broken, BROKEN, -36, "workers die without finishing a task")             \
  X(Internal, INTERNAL, -99, "a bug in brood")

enum class Code : int32_t {
  Ok = 0,
#define BROOD_CODE_VALUE(name, symbol, number, text) name = number,
  BROOD_CODES(BROOD_CODE_VALUE)
#undef BROOD_CODE_VALUE
};

// "BROOD_E_TIMEOUT"; "BROOD_OK"; "BROOD_E_?" for a number that is no code.
const char* code_name(int32_t code);
// True for a number that is a failure's code: what arrives from another process is checked with it.
bool is_failure_code(int32_t code);

struct ErrorRecord {
  Code code = Code::Internal;
  std::string message;
  std::string kind;       // the remote error's class
  std::string traceback;  // the remote stack, as text
  int64_t pid = 0;        // the process that failed; 0 is this one
  int32_t exit_code = -1;
  int32_t signal = 0;
  int32_t os_code = 0;
};

class [[nodiscard]] Error {
 public:
  // A code with its standard text: static for the expected outcomes.
  explicit Error(Code code);
  Error(Code code, std::string message);
  explicit Error(ErrorRecord record);

  // A failed system call: "what: strerror(os_code)"; ENOMEM becomes NoMemory.
  static Error os(std::string_view what, int os_code);

  Code code() const { return record_->code; }
  const ErrorRecord& record() const { return *record_; }
  const std::string& message() const { return record_->message; }

  // The same failure with `context` put before its message, for the floor above to say what it
  // tried.
  Error with_context(std::string_view context) const;

 private:
  std::shared_ptr<const ErrorRecord> record_;
};

}  // namespace brood
