/**
 * @file
 * Pools: worker processes that run named functions.
 */
#ifndef BROOD_CPP_POOL_HPP
#define BROOD_CPP_POOL_HPP

#include <brood/cpp/process.hpp>
#include <brood/cpp/stream.hpp>
#include <optional>
#include <ranges>

namespace brood {
inline namespace v0 {

/** A function's name with its packed arguments: what a new worker runs first. */
struct Call {
  std::string function{};
  std::string argument{};
};
template <class F, class... A>
requires CallableWith<F, A...> Call bind(const Function<F>& function, A&&... arguments) {
  msgpack::sbuffer buffer;
  detail::pack_arguments(buffer, typename Function<F>::Arguments(std::forward<A>(arguments)...));
  return {function.name(), {buffer.data(), buffer.size()}};
}

struct PoolOptions {
  uint32_t workers = 0; /* 0: cpu_count() */
  uint32_t max_tasks_per_worker = 0;
  uint64_t max_pending = 0; /* tasks submitted and not done, then submit waits; 0: unbounded */
  int32_t retries = 0;      /* how often a task whose worker died is run again */
  std::string name{};
  Call initializer{};                 /* bind(function, ...): run in each new worker */
  std::string finalizer{};            /* a function run when a worker ends in good order */
  std::vector<std::string> command{}; /* the workers' program; empty: this one again */
  std::vector<std::string> env{};     /* "NAME=value", added */
  std::string cwd{};
  brood_limits limits = BROOD_LIMITS_INIT;
};

struct SubmitOptions {
  std::chrono::milliseconds run_limit{0}; /* how long the task may run; 0: no limit */
  int32_t retries = 0;                    /* 0: as the pool says; BROOD_NO_RETRIES */
  std::chrono::milliseconds wait{0};      /* for room in a full pool; 0: not at all */
  brood_cancel* cancel = nullptr;         /* ends that wait */
};

struct StreamOptions {
  uint64_t window = 0; /* most inputs ahead of the results taken */
  uint32_t chunk = 0;  /* maps: items sent together; 0: chosen by their number */
  bool unordered = false;
  bool collect = false; /* an item's failure does not end the rest */
  std::chrono::milliseconds run_limit{0};
  int32_t retries = 0;
};

namespace detail {

inline brood_submit_options to_c(const SubmitOptions& from, uint8_t codec) noexcept {
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = from.run_limit.count();
  options.retries = from.retries;
  options.codec = codec;
  options.wait_ms = from.wait.count();
  options.cancel = from.cancel;
  return options;
}

inline brood_stream_options to_c(const StreamOptions& from, uint8_t codec) noexcept {
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.window = from.window;
  options.chunk = from.chunk;
  options.unordered = from.unordered;
  options.on_error = from.collect ? BROOD_ON_ERROR_COLLECT : BROOD_ON_ERROR_FIRST;
  options.run_limit_ms = from.run_limit.count();
  options.retries = from.retries;
  options.codec = codec;
  return options;
}

}  // namespace detail

/** Inputs of a map: each makes the arguments of one call (a tuple when there are several). */
template <class Range, class F>
concept InputsOf = std::ranges::input_range<Range> &&
    std::constructible_from<typename Function<F>::Arguments, std::ranges::range_reference_t<Range>>;

/**
 * Worker processes that run functions by name. Every call has a form with options in front:
 *
 *     long a = pool.call(fib, 30);
 *     auto b = pool.submit({.run_limit = 200ms}, fib, 40);
 *
 * The destructor ends the workers and cancels what is not done; to finish it, shutdown() and
 * join().
 */
class Pool {
 public:
  explicit Pool(const PoolOptions& from = {}) {
    const detail::Strings command(from.command);
    const detail::Strings env(from.env);
    brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
    options.workers = from.workers;
    options.max_tasks_per_worker = from.max_tasks_per_worker;
    options.max_pending = from.max_pending;
    options.retries = from.retries;
    options.name = detail::or_null(from.name);
    options.initializer = detail::or_null(from.initializer.function);
    std::optional<Message> argument;
    if (!from.initializer.function.empty()) {
      argument.emplace(bytes_of(from.initializer.argument), uint8_t{BROOD_CODEC_MSGPACK});
      options.initializer_msg = argument->get();
    }
    options.finalizer = detail::or_null(from.finalizer);
    options.command = command.get();
    options.env = env.get();
    options.cwd = detail::or_null(from.cwd);
    options.limits = from.limits;
    brood_pool* made = nullptr;
    detail::check([&](brood_error** error) { return brood_pool_create(&options, &made, error); });
    pool_.reset(made);
  }

  /** Have a worker run the function. */
  template <class F, class... A>
  requires CallableWith<F, A...> Future<typename Function<F>::Result> submit(
      const SubmitOptions& options, const Function<F>& function, A&&... arguments) {
    const Call call = bind(function, std::forward<A>(arguments)...);
    return Future<typename Function<F>::Result>(submit_raw(
        function.name(), bytes_of(call.argument), detail::to_c(options, BROOD_CODEC_MSGPACK)));
  }
  template <class F, class... A>
  requires CallableWith<F, A...> Future<typename Function<F>::Result> submit(
      const Function<F>& function, A&&... arguments) {
    return submit(SubmitOptions(), function, std::forward<A>(arguments)...);
  }
  /** Have a worker, of any language, run the function of that name on bare bytes. */
  Future<Message> submit_bytes(const char* function, Bytes argument,
                               const SubmitOptions& options = {}, uint8_t codec = BROOD_CODEC_RAW) {
    return Future<Message>(submit_raw(function, argument, detail::to_c(options, codec)));
  }

  /** The same with a message, whose attached handles travel along. */
  Future<Message> submit_message(const char* function, Message argument,
                                 const SubmitOptions& options = {}) {
    const brood_submit_options c_options = detail::to_c(options, argument.codec());
    brood_future* future = nullptr;
    detail::check([&](brood_error** error) {
      return brood_pool_submit_msg(get(), function, argument.get(), &c_options, &future, error);
    });
    static_cast<void>(argument.release());
    return Future<Message>(future);
  }

  /** Submit, wait, and give the result. */
  template <class F, class... A>
  requires CallableWith<F, A...>
  typename Function<F>::Result call(const SubmitOptions& options, const Function<F>& function,
                                    A&&... arguments) {
    return submit(options, function, std::forward<A>(arguments)...).get();
  }
  template <class F, class... A>
  requires CallableWith<F, A...>
  typename Function<F>::Result call(const Function<F>& function, A&&... arguments) {
    return submit(function, std::forward<A>(arguments)...).get();
  }

  /** Run the function on every input; take the results one by one. */
  template <class F, InputsOf<F> Range>
  Results<typename Function<F>::Result> each(const StreamOptions& options,
                                             const Function<F>& function, Range&& inputs) {
    msgpack::sbuffer buffer;
    std::vector<size_t> ends;
    for (auto&& input : inputs) {
      detail::pack_arguments(buffer, typename Function<F>::Arguments(input));
      ends.push_back(buffer.size());
    }
    std::vector<brood_bytes> items;
    items.reserve(ends.size());
    size_t begin = 0;
    for (const size_t end : ends) {
      items.push_back({buffer.data() + begin, end - begin});
      begin = end;
    }
    const brood_stream_options c_options = detail::to_c(options, BROOD_CODEC_MSGPACK);
    brood_stream* stream = nullptr;
    detail::check([&](brood_error** error) {
      return brood_pool_map(get(), function.name(), items.data(), items.size(), &c_options, &stream,
                            error);
    });
    return Results<typename Function<F>::Result>(stream);
  }

  /** All results in the order of the inputs; throws the first failure. */
  template <class F, InputsOf<F> Range>
  requires(!std::is_void_v<typename Function<F>::Result>)
      std::vector<typename Function<F>::Result> map(const Function<F>& function, Range&& inputs,
                                                    StreamOptions options = {}) {
    options.unordered = false;
    std::vector<typename Function<F>::Result> values;
    for (auto& item : each(options, function, std::forward<Range>(inputs))) {
      values.push_back(std::move(item).value());
    }
    return values;
  }

  /** A stream to push inputs to without end, in bounded memory. */
  template <class F>
  Stream<F> stream(const Function<F>& function, const StreamOptions& options = {}) {
    const brood_stream_options c_options = detail::to_c(options, BROOD_CODEC_MSGPACK);
    brood_stream* stream = nullptr;
    detail::check([&](brood_error** error) {
      return brood_stream_create(get(), function.name(), &c_options, &stream, error);
    });
    return Stream<F>(stream);
  }

  /** Accept no more tasks; what was submitted is finished, then the workers end. */
  void shutdown() {
    detail::check([&](brood_error** error) { return brood_pool_shutdown(get(), error); });
  }
  /** Cancel everything and kill the workers; does not wait. */
  void terminate() {
    detail::check([&](brood_error** error) { return brood_pool_terminate(get(), error); });
  }
  /** Wait until the last worker has ended; throws the first failure that nobody saw. */
  void join(Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_pool_join(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }

  brood_pool_stats stats() const {
    brood_pool_stats stats = BROOD_POOL_STATS_INIT;
    detail::check([&](brood_error** error) { return brood_pool_get_stats(get(), &stats, error); });
    return stats;
  }
  std::vector<brood_worker_info> workers() const {
    std::vector<brood_worker_info> infos;
    size_t count = 0;
    do {
      infos.resize(count);
      detail::check([&](brood_error** error) {
        return brood_pool_workers(get(), infos.data(), infos.size(), &count, error);
      });
    } while (count > infos.size());
    infos.resize(count);
    return infos;
  }
  brood_pool* get() const noexcept { return pool_.get(); }

 private:
  brood_future* submit_raw(const char* function, Bytes argument,
                           const brood_submit_options& options) {
    brood_future* future = nullptr;
    detail::check([&](brood_error** error) {
      return brood_pool_submit(get(), function, argument.data(), argument.size(), &options, &future,
                               error);
    });
    return future;
  }

  detail::Owned<brood_pool, brood_pool_free> pool_;
};

}  // namespace v0
}  // namespace brood
#endif
