/**
 * @file
 * Failures as exceptions: one class a status code, all of them brood::Error.
 */
#ifndef BROOD_CPP_ERROR_HPP
#define BROOD_CPP_ERROR_HPP

#include <brood/error.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace brood {
inline namespace v0 {

/** Any failure: what() tells the story, the getters give its parts. Copying one never fails. */
class Error : public std::runtime_error {
 public:
  /** @param story  owned from now on; NULL when there is none. */
  Error(brood_status status, brood_error* story)
      : Error(status, std::shared_ptr<const brood_error>(story, Free{})) {}
  Error(brood_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}

  brood_status status() const noexcept { return status_; }
  /** The remote error's class, such as "std::out_of_range", or "". */
  std::string_view kind() const noexcept { return brood_error_kind(story_.get()); }
  std::string_view traceback() const noexcept { return brood_error_traceback(story_.get()); }
  /** The process that failed; 0 for this one. */
  int64_t pid() const noexcept { return brood_error_pid(story_.get()); }
  /** The code that the process exited with; -1 if it did not exit by itself. */
  int32_t exit_code() const noexcept { return story_ ? brood_error_exit_code(story_.get()) : -1; }
  /** The signal that ended the process; 0 for none. */
  int32_t signal() const noexcept { return brood_error_signal(story_.get()); }
  int32_t os_code() const noexcept { return brood_error_os_code(story_.get()); }

  /** Throw this failure as the class that belongs to its status. */
  [[noreturn]] void raise() const;

 private:
  struct Free {
    void operator()(const brood_error* story) const noexcept {
      brood_error_free(const_cast<brood_error*>(story));
    }
  };

  Error(brood_status status, std::shared_ptr<const brood_error> story)
      : std::runtime_error(story ? brood_error_message(story.get()) : brood_status_name(status)),
        status_(status),
        story_(std::move(story)) {}

  brood_status status_;
  std::shared_ptr<const brood_error> story_;
};

// Made from a plain Error, so that a stored failure can be thrown again under its own class.
#define BROOD_CPP_ERROR(name)                           \
  class name : public Error {                           \
   public:                                              \
    explicit name(const Error& error) : Error(error) {} \
  }
BROOD_CPP_ERROR(Timeout);
BROOD_CPP_ERROR(Closed);
BROOD_CPP_ERROR(Canceled);
BROOD_CPP_ERROR(InvalidArgument);
BROOD_CPP_ERROR(BadState);
BROOD_CPP_ERROR(NoFunction);
BROOD_CPP_ERROR(TooBig);
BROOD_CPP_ERROR(Unsupported);
BROOD_CPP_ERROR(Forked);
BROOD_CPP_ERROR(NoMemory);
BROOD_CPP_ERROR(OsError);
BROOD_CPP_ERROR(NoSpace);
BROOD_CPP_ERROR(Remote);
BROOD_CPP_ERROR(WorkerLost);
BROOD_CPP_ERROR(TaskTimeout);
BROOD_CPP_ERROR(OwnerDied);
BROOD_CPP_ERROR(ProtocolError);
BROOD_CPP_ERROR(InitFailed);
BROOD_CPP_ERROR(Broken);
BROOD_CPP_ERROR(InternalError);
#undef BROOD_CPP_ERROR

inline void Error::raise() const {
  switch (status_) {
    case BROOD_E_TIMEOUT:
      throw Timeout(*this);
    case BROOD_E_CLOSED:
      throw Closed(*this);
    case BROOD_E_CANCELED:
      throw Canceled(*this);
    case BROOD_E_INVALID:
      throw InvalidArgument(*this);
    case BROOD_E_STATE:
      throw BadState(*this);
    case BROOD_E_NO_FUNCTION:
      throw NoFunction(*this);
    case BROOD_E_TOO_BIG:
      throw TooBig(*this);
    case BROOD_E_UNSUPPORTED:
      throw Unsupported(*this);
    case BROOD_E_FORKED:
      throw Forked(*this);
    case BROOD_E_NO_MEMORY:
      throw NoMemory(*this);
    case BROOD_E_OS:
      throw OsError(*this);
    case BROOD_E_NO_SPACE:
      throw NoSpace(*this);
    case BROOD_E_REMOTE:
      throw Remote(*this);
    case BROOD_E_WORKER_LOST:
      throw WorkerLost(*this);
    case BROOD_E_TASK_TIMEOUT:
      throw TaskTimeout(*this);
    case BROOD_E_OWNER_DIED:
      throw OwnerDied(*this);
    case BROOD_E_PROTOCOL:
      throw ProtocolError(*this);
    case BROOD_E_INIT_FAILED:
      throw InitFailed(*this);
    case BROOD_E_BROKEN:
      throw Broken(*this);
    case BROOD_E_INTERNAL:
      throw InternalError(*this);
    default:
      throw *this;
  }
}

namespace detail {

/** Run a C call that fills `brood_error **`, and throw what it reports. */
template <class Call>
void check(Call&& call) {
  brood_error* story = nullptr;
  if (const brood_status status = call(&story); status != BROOD_OK) Error(status, story).raise();
}

/** The same where `expected` is an answer and no failure: false for it. */
template <class Call>
bool check_unless(brood_status expected, Call&& call) {
  brood_error* story = nullptr;
  const brood_status status = call(&story);
  if (status == BROOD_OK) return true;
  const Error error(status, story);
  if (status == expected) return false;
  error.raise();
}

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
