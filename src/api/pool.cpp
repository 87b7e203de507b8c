// Pools: the first half of pool.h.
#include "api/handles.hpp"
#include "api/requests.hpp"

using namespace brood;
using namespace brood::api;

namespace {

constexpr uint32_t kMostWorkers = 1024;

Result<int32_t> read_retries(int32_t retries) {
  if (retries < BROOD_NO_RETRIES) {
    return invalid("retries is " + std::to_string(retries) +
                   "; give how often, 0 for the default, or BROOD_NO_RETRIES (-1)");
  }
  return retries;
}

Result<int64_t> read_run_limit(int64_t run_limit_ms) {
  if (run_limit_ms < 0) {
    return invalid("run_limit_ms is " + std::to_string(run_limit_ms) +
                   "; give milliseconds, or 0 for no limit");
  }
  return run_limit_ms;
}

Result<std::string> read_optional_name(const char* name, const char* what) {
  if (name == nullptr) return std::string();
  BROOD_LET(text, read_name(name, what));
  return std::string(text);
}

Status read_initializer_message(const brood_pool_options& c, PoolOptions& options) {
  if (options.initializer.empty()) {
    return invalid("initializer_msg is given without an initializer");
  }
  if (c.initializer_size != 0) {
    return invalid("initializer_msg and initializer_data are both given; give one");
  }
  const Message& message = *from_c(c.initializer_msg);
  const auto* bytes = static_cast<const std::byte*>(message.data());
  options.initializer_data.assign(bytes, bytes + message.size());
  options.initializer_codec = message.codec();
  for (const Held& held : message.handles()) {
    if (!held) return Error(Code::State, "a handle was taken out of initializer_msg before");
    options.initializer_handles.push_back(held);
  }
  return {};
}

Result<PoolOptions> read_pool_options(Runtime& runtime, const brood_pool_options* given) {
  BROOD_LET(c, read_options(given, "brood_pool_options"));
  PoolOptions options;
  options.workers = c.workers != 0 ? c.workers : brood_cpu_count();
  if (options.workers > kMostWorkers) {
    return invalid("workers is " + std::to_string(c.workers) + "; give at most " +
                   std::to_string(kMostWorkers));
  }
  options.max_tasks_per_worker = c.max_tasks_per_worker;
  options.max_pending = c.max_pending;
  if (c.retries < 0) return invalid("the pool's retries is negative; give how often, 0 for never");
  options.retries = c.retries;
  BROOD_LET(name, read_optional_name(c.name, "the pool's name"));
  options.name = name.empty() ? "pool" : name;
  BROOD_LET(initializer, read_optional_name(c.initializer, "the initializer"));
  options.initializer = initializer;
  BROOD_LET(finalizer, read_optional_name(c.finalizer, "the finalizer"));
  options.finalizer = finalizer;
  BROOD_LET(bytes, read_bytes(c.initializer_data, c.initializer_size));
  if (!bytes.empty() && initializer.empty()) {
    return invalid("initializer_data is given without an initializer");
  }
  options.initializer_data.assign(bytes.begin(), bytes.end());
  if (c.initializer_msg != nullptr) BROOD_TRY(read_initializer_message(c, options));
  BROOD_LET(program, worker_program(runtime, c.command, c.env, c.cwd, c.limits));
  options.program = std::move(program);
  return options;
}

Result<SubmitOptions> read_submit_options(const brood_submit_options* given) {
  BROOD_LET(c, read_options(given, "brood_submit_options"));
  SubmitOptions options;
  BROOD_LET(run_limit_ms, read_run_limit(c.run_limit_ms));
  options.run_limit_ms = run_limit_ms;
  BROOD_LET(retries, read_retries(c.retries));
  options.retries = retries;
  options.codec = c.codec;
  BROOD_LET(room, read_timeout(c.wait_ms, "wait_ms"));
  options.room = room;
  options.cancel = token(c.cancel);
  return options;
}

struct Request {
  Pool& pool;
  std::string_view function;
  SubmitOptions options;
};
Result<Request> read_request(brood_pool* pool, const char* function,
                             const brood_submit_options* given) {
  BROOD_LET(runtime, Runtime::open());
  (void)runtime;
  BROOD_NEED(pool);
  BROOD_LET(name, read_name(function, "the function's name"));
  BROOD_LET(options, read_submit_options(given));
  return Request{*from_c(pool), name, options};
}

}  // namespace

extern "C" {

brood_status brood_pool_create(const brood_pool_options* given, brood_pool** out,
                               brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_pool_options(*runtime, given));
    BROOD_TRY(runtime->household().start(true));
    Result<Pool*> pool = Pool::create(runtime->household(), std::move(options),
                                      [runtime](Pool* over) { runtime->forget_pool(over); });
    if (!pool) return pool.error();
    const Patience patience;
    runtime->add_pool(*pool);
    *out = to_c(*pool);
    return {};
  });
}

brood_status brood_pool_submit(brood_pool* pool, const char* function, const void* data,
                               size_t size, const brood_submit_options* options, brood_future** out,
                               brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(out);
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_LET(request, read_request(pool, function, options));
    BROOD_LET(future, request.pool.submit(request.function, bytes, nullptr, request.options));
    *out = to_c(future);
    return {};
  });
}

brood_status brood_pool_submit_msg(brood_pool* pool, const char* function, brood_msg* args,
                                   const brood_submit_options* options, brood_future** out,
                                   brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(out);
    BROOD_NEED(args);
    BROOD_LET(request, read_request(pool, function, options));
    Message::Ptr message(from_c(args));
    request.options.codec = message->codec();
    Result<Future*> future = request.pool.submit(
        request.function, {message->data(), message->size()}, &message, request.options);
    if (!future) {
      (void)message.release();  // still the caller's
      return future.error();
    }
    *out = to_c(*future);
    return {};
  });
}

brood_status brood_pool_call(brood_pool* pool, const char* function, const void* data, size_t size,
                             const brood_submit_options* options, int64_t timeout_ms,
                             brood_cancel* cancel, brood_msg** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(out);
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(request, read_request(pool, function, options));
    BROOD_LET(value,
              request.pool.call(request.function, bytes, request.options, deadline, token(cancel)));
    *out = to_c(value.release());
    return {};
  });
}

brood_status brood_pool_shutdown(brood_pool* pool, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    from_c(pool)->shutdown();
    return {};
  });
}

brood_status brood_pool_terminate(brood_pool* pool, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    from_c(pool)->terminate();
    return {};
  });
}

brood_status brood_pool_join(brood_pool* pool, int64_t timeout_ms, brood_cancel* cancel,
                             brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return from_c(pool)->join(deadline, token(cancel));
  });
}

void brood_pool_free(brood_pool* pool) {
  if (pool == nullptr || Runtime::forked()) return;
  (void)guard_patiently(nullptr, [&]() -> Status {
    from_c(pool)->release();
    return {};
  });
}

brood_status brood_pool_get_stats(brood_pool* pool, brood_pool_stats* out, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    BROOD_NEED(out);
    BROOD_LET(known, read_options(out, "brood_pool_stats"));
    const PoolStats stats = from_c(pool)->stats();
    const brood_pool_stats all = {
        out->struct_size, stats.workers, stats.idle,           stats.starting, stats.pending,
        stats.done,       stats.failed,  stats.canceled,       stats.lost,     stats.timed_out,
        stats.retried,    stats.moved,   stats.workers_started};
    (void)known;
    std::memcpy(out, &all, std::min(out->struct_size, sizeof all));
    return {};
  });
}

brood_status brood_pool_workers(brood_pool* pool, brood_worker_info* array, size_t capacity,
                                size_t* out_count, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    BROOD_NEED(out_count);
    if (array == nullptr && capacity != 0) return invalid("array is NULL but capacity is not 0");
    const std::vector<WorkerInfo> workers = from_c(pool)->workers();
    for (size_t i = 0; i < workers.size() && i < capacity; ++i) {
      const WorkerInfo& worker = workers[i];
      int32_t state = BROOD_WORKER_STARTING;
      if (worker.state == SeatState::Ready) {
        state = worker.busy ? BROOD_WORKER_BUSY : BROOD_WORKER_IDLE;
      } else if (worker.state == SeatState::Ending) {
        state = BROOD_WORKER_ENDING;
      }
      array[i] = {static_cast<int32_t>(worker.id), state, worker.pid, worker.tasks};
    }
    *out_count = workers.size();
    return {};
  });
}

}  // extern "C"
