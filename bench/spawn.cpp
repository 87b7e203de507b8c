// Starting a tiny static program and waiting for its end, one after the other, in the ways there
// are.
//
// usage: spawn METHOD RESIDENT_MB PROGRAM
#include <spawn.h>
#include <uv.h>

#include "bench.hpp"

using namespace bench;

namespace {

constexpr double kSeconds = 0.7;

void posix_spawn_once(const char* program) {
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  pid_t child = 0;
  must(posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0, "posix_spawn");
  must(waitpid(child, nullptr, 0) == child, "waitpid");
}

void vfork_once(const char* program) {
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    execv(program, arguments);
    _exit(127);
  }
  must(child > 0 && waitpid(child, nullptr, 0) == child, "vfork");
}

void fork_once(const char* program) {
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  const pid_t child = fork();
  if (child == 0) {
    execv(program, arguments);
    _exit(127);
  }
  must(child > 0 && waitpid(child, nullptr, 0) == child, "fork");
}

void uv_spawn_once(const char* program) {
  char* arguments[] = {const_cast<char*>(program), nullptr};
  uv_process_options_t options{};
  options.file = program;
  options.args = arguments;
  options.exit_cb = [](uv_process_t* process, int64_t, int) {
    uv_close(reinterpret_cast<uv_handle_t*>(process), nullptr);
  };
  uv_process_t process;
  must(uv_spawn(uv_default_loop(), &process, &options) == 0, "uv_spawn");
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string method = argv[1];
  void (*once)(const char*) = nullptr;
  if (method == "posix_spawn") once = posix_spawn_once;
  if (method == "vfork") once = vfork_once;
  if (method == "fork") once = fork_once;
  if (method == "uv_spawn") once = uv_spawn_once;
  if (once == nullptr) return 2;
  become_large(std::strtoul(argv[2], nullptr, 10));
  once(argv[3]);
  long count = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < kSeconds) {
    once(argv[3]);
    ++count;
  }
  emit("rate", static_cast<double>(count) / seconds_since(start), "1/s");
}
