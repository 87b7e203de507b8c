// Child processes: process.h. brood_process_start() is in start.cpp.
#include "api/requests.hpp"
#include "api/subprocess_plan.hpp"

using namespace brood;
using namespace brood::api;

namespace {

// For the calls that only look: the handle, in a process that may use it.
Result<const Subprocess*> look(const brood_process* process) {
  if (Runtime::forked()) return Error(Code::Forked);
  BROOD_NEED(process);
  return from_c(process);
}

// The rest need brood to be up.
Result<Subprocess*> use(brood_process* process) {
  BROOD_LET(runtime, Runtime::open());
  (void)runtime;
  BROOD_NEED(process);
  return from_c(process);
}

}  // namespace

extern "C" {

brood_status brood_process_spawn(const brood_process_options* given, brood_process** out,
                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_process_options"));
    BROOD_LET(command, read_command(options.command));
    if (command.empty()) {
      return invalid("command is NULL; give the program first, then its arguments, then NULL");
    }
    BROOD_LET(plan, read_plan(options, std::move(command)));
    BROOD_LET(process, Subprocess::spawn(runtime->household(), std::move(plan)));
    const Patience patience;  // it runs
    runtime->children().add(process);
    *out = to_c(process);
    return {};
  });
}

// ---- ending ------------------------------------------------------------------------------------

brood_status brood_process_join(brood_process* process, int64_t timeout_ms, brood_cancel* cancel,
                                brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(joined, use(process));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return joined->join(deadline, token(cancel));
  });
}

brood_status brood_process_signal(brood_process* process, int32_t signal_number,
                                  brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(signalled, use(process));
    return signalled->signal(signal_number);
  });
}

brood_status brood_process_terminate(brood_process* process, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(terminated, use(process));
    return terminated->terminate();
  });
}

brood_status brood_process_kill(brood_process* process, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(killed, use(process));
    killed->kill();
    return {};
  });
}

brood_status brood_process_stop(brood_process* process, int64_t wait_ms, int64_t terminate_ms,
                                brood_cancel* cancel, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(stopped, use(process));
    BROOD_LET(first, read_timeout(wait_ms, "wait_ms"));
    BROOD_LET(second, read_timeout(terminate_ms, "terminate_ms"));
    (void)first;
    (void)second;
    return stopped->stop(wait_ms, terminate_ms, token(cancel));
  });
}

// ---- looking -----------------------------------------------------------------------------------

bool brood_process_alive(const brood_process* process) {
  return quietly([&] {
    const auto seen = look(process);
    return seen.ok() && (*seen)->alive();
  });
}

int64_t brood_process_pid(const brood_process* process) {
  return quietly([&]() -> int64_t {
    const auto seen = look(process);
    return seen ? (*seen)->pid() : 0;
  });
}

const char* brood_process_name(const brood_process* process) {
  return process != nullptr ? from_c(process)->name().c_str() : "";
}

brood_status brood_process_exit_code(const brood_process* process, int32_t* out_code,
                                     brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(seen, look(process));
    BROOD_NEED(out_code);
    BROOD_LET(ending, seen->ending());
    *out_code = ending.exit_code;
    return {};
  });
}

brood_status brood_process_exit_signal(const brood_process* process, int32_t* out_signal,
                                       brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(seen, look(process));
    BROOD_NEED(out_signal);
    BROOD_LET(ending, seen->ending());
    *out_signal = ending.signal;
    return {};
  });
}

brood_status brood_process_outcome(const brood_process* process, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(seen, look(process));
    return seen->outcome();
  });
}

brood_status brood_process_usage(const brood_process* process, brood_usage* out,
                                 brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(seen, look(process));
    BROOD_NEED(out);
    if (out->struct_size < sizeof *out) {
      return invalid("struct_size of brood_usage is " + std::to_string(out->struct_size) +
                     "; begin with BROOD_USAGE_INIT, which sets it");
    }
    BROOD_LET(ending, seen->ending());
    out->user_us = ending.usage.user_us;
    out->system_us = ending.usage.system_us;
    out->max_resident_bytes = ending.usage.max_resident_bytes;
    out->minor_faults = ending.usage.minor_faults;
    out->major_faults = ending.usage.major_faults;
    return {};
  });
}

// ---- streams -----------------------------------------------------------------------------------

brood_status brood_process_write(brood_process* process, const void* data, size_t size,
                                 int64_t timeout_ms, brood_cancel* cancel, size_t* out_written,
                                 brood_error** error) {
  size_t written = 0;
  if (out_written == nullptr) out_written = &written;
  *out_written = 0;
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(given, use(process));
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(input, given->stream(0));
    return input->write(bytes.data(), bytes.size(), deadline, token(cancel), *out_written);
  });
}

brood_status brood_process_close_input(brood_process* process, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(closed, use(process));
    BROOD_LET(input, closed->stream(0));
    input->close();
    return {};
  });
}

brood_status brood_process_read(brood_process* process, int stream, void* data, size_t size,
                                int64_t timeout_ms, brood_cancel* cancel, size_t* out_size,
                                brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(read, use(process));
    BROOD_NEED(data);
    BROOD_NEED(out_size);
    if (size == 0) return invalid("size is 0: there is no room to read into");
    BROOD_LET(deadline, read_timeout(timeout_ms));
    if (stream != 1 && stream != 2) {
      return invalid("stream is " + std::to_string(stream) + "; give 1 for stdout, 2 for stderr");
    }
    BROOD_LET(output, read->stream(stream));
    BROOD_LET(got, output->read(data, size, deadline, token(cancel)));
    *out_size = got;
    return {};
  });
}

// ---- the rest ----------------------------------------------------------------------------------

void brood_process_free(brood_process* process) {
  if (process == nullptr || Runtime::forked()) return;
  // Nobody can use the pipes any more: whoever is at their other end shall know.
  from_c(process)->close_streams();
  give_back(from_c(process));
}

brood_handle* brood_process_handle(brood_process* process) {
  return process != nullptr ? up(from_c(process)) : nullptr;
}

size_t brood_active_children(int64_t* pids, size_t capacity) {
  return quietly([&]() -> size_t {
    auto runtime = Runtime::open();
    if (!runtime) return 0;
    const std::vector<int64_t> running = (*runtime)->children().running();
    for (size_t i = 0; pids != nullptr && i < std::min(capacity, running.size()); ++i) {
      pids[i] = running[i];
    }
    return running.size();
  });
}

const char* brood_current_name(void) { return Runtime::instance().name().c_str(); }

int64_t brood_parent_pid(void) { return Runtime::instance().parent_pid(); }

brood_handle* brood_parent_handle(void) {
  return quietly([]() -> brood_handle* {
    auto runtime = Runtime::open();
    ParentEnd* end = runtime ? (*runtime)->parent_end() : nullptr;
    return end != nullptr ? up(end) : nullptr;
  });
}

}  // extern "C"
