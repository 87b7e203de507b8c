// Maps and streams: pool.h.
#include <array>

#include "api/handles.hpp"

using namespace brood;
using namespace brood::api;

namespace {

constexpr uint64_t kLeastWindow = 64;
// A map is cut into so many chunks a worker, at least: enough to share the work out evenly.
constexpr uint64_t kChunksPerWorker = 16;
constexpr uint64_t kLargestChunk = 512;

// Results that one call takes at most.
constexpr size_t kTakenTogether = 256;

// The clock is read only if there is a wait.
Result<size_t> take(Stream& stream, std::span<Stream::Taken> out, int64_t timeout_ms,
                    const brood_cancel* cancel) {
  if (const size_t count = stream.take_ready(out); count != 0) return count;
  return stream.next(out, Deadline::after_ms(timeout_ms), token(cancel));
}

Result<StreamOptions> read_stream_options(const brood_stream_options* given) {
  BROOD_LET(c, read_options(given, "brood_stream_options"));
  StreamOptions options;
  options.window = c.window;
  options.chunk = c.chunk;
  options.ordered = !c.unordered;
  if (c.on_error != BROOD_ON_ERROR_FIRST && c.on_error != BROOD_ON_ERROR_COLLECT) {
    return invalid("on_error is " + std::to_string(c.on_error) +
                   "; give BROOD_ON_ERROR_FIRST or BROOD_ON_ERROR_COLLECT");
  }
  options.stop_at_failure = c.on_error == BROOD_ON_ERROR_FIRST;
  if (c.run_limit_ms < 0) return invalid("run_limit_ms is negative; give milliseconds, or 0");
  options.run_limit_ms = c.run_limit_ms;
  if (c.retries < BROOD_NO_RETRIES) {
    return invalid("retries is " + std::to_string(c.retries) +
                   "; give how often, 0 for the pool's, or BROOD_NO_RETRIES (-1)");
  }
  options.retries = c.retries;
  options.codec = c.codec;
  return options;
}

}  // namespace

extern "C" {

brood_status brood_pool_map(brood_pool* pool, const char* function, const brood_bytes* items,
                            size_t count, const brood_stream_options* given, brood_stream** out,
                            brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    BROOD_NEED(out);
    BROOD_LET(name, read_name(function, "the function's name"));
    BROOD_LET(options, read_stream_options(given));
    if (items == nullptr && count != 0) {
      return invalid("items is NULL but count is " + std::to_string(count));
    }
    for (size_t i = 0; i < count; ++i) {
      if (Status status = check_bytes(items[i].data, items[i].size); !status) {
        return status.error().with_context("item " + std::to_string(i));
      }
    }
    if (options.chunk == 0) {
      const uint64_t shares = kChunksPerWorker * from_c(pool)->options().workers;
      options.chunk = static_cast<uint32_t>(std::clamp<uint64_t>(count / shares, 1, kLargestChunk));
    }
    const auto bytes_at = [items](size_t i) {
      return std::span(static_cast<const std::byte*>(items[i].data), items[i].size);
    };
    BROOD_LET(stream, Stream::map(*from_c(pool), name, count, bytes_at, options));
    *out = to_c(stream);
    return {};
  });
}

brood_status brood_stream_create(brood_pool* pool, const char* function,
                                 const brood_stream_options* given, brood_stream** out,
                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pool);
    BROOD_NEED(out);
    BROOD_LET(name, read_name(function, "the function's name"));
    BROOD_LET(options, read_stream_options(given));
    if (options.chunk > 1) {
      return invalid("chunk is for maps: a stream's inputs are sent one by one; give 0 or 1");
    }
    options.chunk = 1;
    if (options.window == 0) {
      options.window = std::max<uint64_t>(kLeastWindow, 4 * from_c(pool)->options().workers);
    }
    *out = to_c(Stream::create(*from_c(pool), name, options));
    return {};
  });
}

brood_status brood_stream_push(brood_stream* stream, const void* data, size_t size,
                               int64_t timeout_ms, brood_cancel* cancel, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(stream);
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return from_c(stream)->push(bytes, deadline, token(cancel));
  });
}

brood_status brood_stream_finish(brood_stream* stream, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(stream);
    from_c(stream)->finish();
    return {};
  });
}

brood_status brood_stream_next(brood_stream* stream, int64_t timeout_ms, brood_cancel* cancel,
                               uint64_t* out_index, brood_msg** out, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(stream);
    BROOD_NEED(out);
    BROOD_TRY(check_timeout(timeout_ms));
    Stream::Taken taken;
    BROOD_TRY(take(*from_c(stream), {&taken, 1}, timeout_ms, cancel));
    if (out_index != nullptr) *out_index = taken.index;
    if (const Error* failure = taken.outcome.failure()) return *failure;
    *out = to_c(taken.outcome.value().release());
    return {};
  });
}

brood_status brood_stream_next_many(brood_stream* stream, size_t capacity, int64_t timeout_ms,
                                    brood_cancel* cancel, uint64_t* out_indexes, brood_msg** out,
                                    size_t* out_count, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(stream);
    BROOD_NEED(out);
    BROOD_NEED(out_count);
    BROOD_TRY(check_timeout(timeout_ms));
    if (capacity == 0) return invalid("capacity is 0; give room for at least one result");
    std::array<Stream::Taken, kTakenTogether> taken;
    const size_t most = std::min(capacity, taken.size());
    BROOD_LET(count, take(*from_c(stream), {taken.data(), most}, timeout_ms, cancel));
    for (size_t i = 0; i < count; ++i) {
      if (out_indexes != nullptr) out_indexes[i] = taken[i].index;
      if (const Error* failure = taken[i].outcome.failure()) return *failure;
      out[i] = to_c(taken[i].outcome.value().release());
    }
    *out_count = count;
    return {};
  });
}

void brood_stream_free(brood_stream* stream) {
  if (stream == nullptr || Runtime::forked()) return;
  (void)guard_patiently(nullptr, [&]() -> Status {
    from_c(stream)->abandon();
    return {};
  });
}

brood_handle* brood_stream_handle(brood_stream* stream) {
  return stream != nullptr ? up(from_c(stream)) : nullptr;
}

}  // extern "C"
