/**
 * @file
 * Child processes: a registered function in a process of its own, or any program.
 */
#ifndef BROOD_CPP_PROCESS_HPP
#define BROOD_CPP_PROCESS_HPP

#include <brood/process.h>

#include <brood/cpp/function.hpp>
#include <string>
#include <vector>

namespace brood {
inline namespace v0 {

/** Where a standard stream of a child goes. */
struct Stdio {
  int32_t kind = BROOD_STDIO_DEFAULT;
  bool append = false;
  std::string path{};
  brood_line_function on_line = nullptr;
  void* context = nullptr;

  static Stdio inherit() { return {.kind = BROOD_STDIO_INHERIT}; }
  static Stdio null() { return {.kind = BROOD_STDIO_NULL}; }
  static Stdio pipe() { return {.kind = BROOD_STDIO_PIPE}; }
  static Stdio file(std::string path, bool append = false) {
    return {.kind = BROOD_STDIO_FILE, .append = append, .path = std::move(path)};
  }
  /** `on_line` runs on brood's own thread; `context` must live until the process has been joined.
   */
  static Stdio lines(brood_line_function on_line, void* context) {
    return {.kind = BROOD_STDIO_LINES, .on_line = on_line, .context = context};
  }
};

struct ProcessOptions {
  std::vector<std::string> command{}; /* empty: this same program */
  std::vector<std::string> env{};     /* "NAME=value", added */
  bool clear_env = false;
  bool daemon = false; /* ended, not joined, at shutdown */
  std::string cwd{};
  std::string name{};
  Stdio standard_input{};
  Stdio standard_output{};
  Stdio standard_error{};
  brood_limits limits = BROOD_LIMITS_INIT;
};

namespace detail {

/** A NULL-terminated array of borrowed C strings; NULL for an empty list. */
class Strings {
 public:
  explicit Strings(const std::vector<std::string>& strings) {
    for (const std::string& string : strings) pointers_.push_back(string.c_str());
    pointers_.push_back(nullptr);
  }
  const char* const* get() const noexcept {
    return pointers_.size() > 1 ? pointers_.data() : nullptr;
  }

 private:
  std::vector<const char*> pointers_;
};

inline const char* or_null(const std::string& text) noexcept {
  return text.empty() ? nullptr : text.c_str();
}

inline brood_stdio to_c(const Stdio& stdio) noexcept {
  return {stdio.kind, stdio.append, or_null(stdio.path), stdio.on_line, stdio.context};
}

/** The C form of ProcessOptions, borrowing from it. */
class ProcessOptionsView {
 public:
  explicit ProcessOptionsView(const ProcessOptions& from) : command_(from.command), env_(from.env) {
    options_.command = command_.get();
    options_.env = env_.get();
    options_.clear_env = from.clear_env;
    options_.daemon = from.daemon;
    options_.cwd = or_null(from.cwd);
    options_.name = or_null(from.name);
    options_.standard_input = to_c(from.standard_input);
    options_.standard_output = to_c(from.standard_output);
    options_.standard_error = to_c(from.standard_error);
    options_.limits = from.limits;
  }
  const brood_process_options* get() const noexcept { return &options_; }

 private:
  Strings command_;
  Strings env_;
  brood_process_options options_ = BROOD_PROCESS_OPTIONS_INIT;
};

}  // namespace detail

/** A child process, and the tree below it. Giving the object up lets the process run on. */
class Process {
 public:
  /** Run a function in a new process. */
  template <class F, class... A>
  requires CallableWith<F, A...>
  static Process start(const ProcessOptions& options, const Function<F>& function,
                       A&&... arguments) {
    msgpack::sbuffer buffer;
    detail::pack_arguments(buffer, typename Function<F>::Arguments(std::forward<A>(arguments)...));
    return start_bytes(options, function.name(),
                       {reinterpret_cast<const std::byte*>(buffer.data()), buffer.size()});
  }
  template <class F, class... A>
  requires CallableWith<F, A...>
  static Process start(const Function<F>& function, A&&... arguments) {
    return start(ProcessOptions(), function, std::forward<A>(arguments)...);
  }
  /** Run a bytes_function() in a new process. */
  static Process start_bytes(const ProcessOptions& options, const char* function, Bytes argument) {
    const detail::ProcessOptionsView view(options);
    brood_process* made = nullptr;
    detail::check([&](brood_error** error) {
      return brood_process_start(function, argument.data(), argument.size(), view.get(), &made,
                                 error);
    });
    return Process(made);
  }
  /** The same with a message, whose attached handles travel along. */
  static Process start_message(const ProcessOptions& options, const char* function,
                               Message argument) {
    const detail::ProcessOptionsView view(options);
    brood_process* made = nullptr;
    detail::check([&](brood_error** error) {
      return brood_process_start_msg(function, argument.get(), view.get(), &made, error);
    });
    static_cast<void>(argument.release());
    return Process(made);
  }
  /** Run any program. */
  static Process spawn(const ProcessOptions& options) {
    const detail::ProcessOptionsView view(options);
    brood_process* made = nullptr;
    detail::check(
        [&](brood_error** error) { return brood_process_spawn(view.get(), &made, error); });
    return Process(made);
  }

  /** Wait until the process and its tree have ended; false when the time ran out. */
  bool join(Wait patience = {}) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_process_join(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  /** Wait for its own end, then SIGTERM and wait, then SIGKILL. */
  void stop(std::chrono::milliseconds wait, std::chrono::milliseconds terminate,
            const Cancel* cancel = nullptr) {
    detail::check([&](brood_error** error) {
      return brood_process_stop(get(), wait.count(), terminate.count(),
                                cancel != nullptr ? cancel->get() : nullptr, error);
    });
  }
  void signal(int32_t number) {
    detail::check([&](brood_error** error) { return brood_process_signal(get(), number, error); });
  }
  void terminate() {
    detail::check([&](brood_error** error) { return brood_process_terminate(get(), error); });
  }
  void kill() {
    detail::check([&](brood_error** error) { return brood_process_kill(get(), error); });
  }

  bool alive() const noexcept { return brood_process_alive(get()); }
  int64_t pid() const noexcept { return brood_process_pid(get()); }
  std::string_view name() const noexcept { return brood_process_name(get()); }
  /** -1 when a signal ended it. Throws BadState while it runs. */
  int32_t exit_code() const {
    int32_t code = 0;
    detail::check(
        [&](brood_error** error) { return brood_process_exit_code(get(), &code, error); });
    return code;
  }
  /** 0 when it ended by itself. Throws BadState while it runs. */
  int32_t exit_signal() const {
    int32_t number = 0;
    detail::check(
        [&](brood_error** error) { return brood_process_exit_signal(get(), &number, error); });
    return number;
  }
  /** Throw what its function reported, if it failed. */
  void check_outcome() const {
    detail::check([&](brood_error** error) { return brood_process_outcome(get(), error); });
  }
  brood_usage usage() const {
    brood_usage usage = BROOD_USAGE_INIT;
    detail::check([&](brood_error** error) { return brood_process_usage(get(), &usage, error); });
    return usage;
  }

  /** Write all bytes to a piped stdin. */
  void write(Bytes bytes, Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_process_write(get(), bytes.data(), bytes.size(), patience.timeout_ms(),
                                 patience.cancel(), error);
    });
  }
  void close_input() {
    detail::check([&](brood_error** error) { return brood_process_close_input(get(), error); });
  }
  /** Read what there is of piped output (1) or error output (2), at most `room`; 0 at its end. */
  size_t read(int stream, std::span<std::byte> room, Wait patience = {}) {
    size_t size = 0;
    detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_process_read(get(), stream, room.data(), room.size(), patience.timeout_ms(),
                                patience.cancel(), &size, error);
    });
    return size;
  }

  brood_handle* handle() noexcept { return brood_process_handle(get()); }
  brood_process* get() const noexcept { return process_.get(); }

 private:
  explicit Process(brood_process* process) noexcept : process_(process) {}

  detail::Owned<brood_process, brood_process_free> process_;
};

}  // namespace v0
}  // namespace brood
#endif
