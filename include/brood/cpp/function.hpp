/**
 * @file
 * Functions by name: what a worker can run, typed or on bare bytes.
 */
#ifndef BROOD_CPP_FUNCTION_HPP
#define BROOD_CPP_FUNCTION_HPP

#include <brood/worker.h>

#include <brood/cpp/message.hpp>
#include <concepts>
#include <utility>

namespace brood {
inline namespace v0 {

/** One call as a worker sees it, for functions on bare bytes. */
class Task {
 public:
  explicit Task(brood_task* task) noexcept : task_(task) {}

  const char* function() const noexcept { return brood_task_function(task_); }
  /** The argument's bytes, valid until the function returns. */
  Bytes bytes() const noexcept {
    const brood_msg* args = brood_task_args(task_);
    return {static_cast<const std::byte*>(brood_msg_data(brood_task_args(task_))),
            brood_msg_size(args)};
  }
  uint8_t codec() const noexcept { return brood_msg_codec(brood_task_args(task_)); }
  /** take<Lock>(0): the handle number 0 that came with the argument, which must be of that type. */
  template <class T>
  T take(size_t index) {
    return detail::take<T>(brood_task_args(task_), index);
  }

  void reply(Bytes bytes, uint8_t codec = BROOD_CODEC_RAW) {
    detail::check([&](brood_error** error) {
      return brood_task_reply(task_, bytes.data(), bytes.size(), codec, error);
    });
  }
  /** Room for a big answer, to be written in place and given to reply(). */
  Message loan(size_t size, uint8_t codec = BROOD_CODEC_RAW) {
    brood_msg* room = nullptr;
    detail::check(
        [&](brood_error** error) { return brood_task_loan(task_, size, codec, &room, error); });
    return Message(room);
  }
  void reply(Message message) {
    detail::check(
        [&](brood_error** error) { return brood_task_reply_msg(task_, message.get(), error); });
    message.release();
  }
  void fail(const std::string& kind, const std::string& message,
            const std::string& traceback = "") {
    detail::check([&](brood_error** error) {
      return brood_task_fail(task_, kind.c_str(), message.c_str(), traceback.c_str(), error);
    });
  }

 private:
  brood_task* task_;
};

namespace detail {

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  static_assert(((!std::is_lvalue_reference_v<A> ||
                  std::is_const_v<std::remove_reference_t<A>>)&&...),
                "arguments arrive as copies: take them by value or const reference");
  static_assert((!std::is_pointer_v<std::decay_t<A>> && ...),
                "a pointer means nothing in another process");
  static_assert(!std::is_pointer_v<R> && !std::is_reference_v<R>,
                "results travel as copies: return a value");
  using Result = R;
  using Arguments = std::tuple<std::decay_t<A>...>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class F, class R, class... A>
struct Signature<R (F::*)(A...) const> : Signature<R (*)(A...)> {};
template <class F, class R, class... A>
struct Signature<R (F::*)(A...) const noexcept> : Signature<R (*)(A...)> {};

/**
 * A name waiting for init(), in a list of all of them: objects with static storage may be made
 * before the library is ready, so nothing is registered until main() says so.
 */
class Registration {
 public:
  Registration(const char* name, brood_function run) : name_(name), run_(run), next_(first()) {
    if (started()) {
      throw BadState(Error(BROOD_E_STATE, std::string("brood::function(\"") + name +
                                              "\") must be made before brood::init()"));
    }
    first() = this;
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() {
    for (Registration** link = &first(); *link != nullptr; link = &(*link)->next_) {
      if (*link == this) {
        *link = next_;
        return;
      }
    }
  }

  const char* name() const noexcept { return name_; }

  static void register_all() {
    for (Registration* entry = first(); entry != nullptr; entry = entry->next_) {
      check([&](brood_error** error) {
        return brood_register(entry->name_, entry->run_, entry, error);
      });
    }
    started() = true;
  }

 private:
  static Registration*& first() {
    static Registration* list = nullptr;
    return list;
  }
  static bool& started() {
    static bool yes = false;
    return yes;
  }

  const char* name_;
  brood_function run_;
  Registration* next_;
};

}  // namespace detail

/** A function with typed arguments that workers can run under a name; see brood::function(). */
template <class F>
class Function : public detail::Registration {
 public:
  using Result = typename detail::Signature<F>::Result;
  using Arguments = typename detail::Signature<F>::Arguments;

  Function(const char* name, F f) : Registration(name, &Function::run), f_(std::move(f)) {}

  /** Run it here and now, in this process. */
  template <class... A>
  Result operator()(A&&... arguments) const {
    return f_(std::forward<A>(arguments)...);
  }

 private:
  // An exception that leaves the function is the core's to report, with its class and text; only
  // what arrives undecodable is told apart here.
  static void run(brood_task* raw, void* context) {
    const auto& self = *static_cast<const Function*>(static_cast<Registration*>(context));
    Task task(raw);
    // Views among the arguments point into `unpacked`: it stays until the function has returned.
    std::optional<detail::Unpacked> unpacked;
    std::optional<Arguments> arguments;
    try {
      unpacked.emplace(task.bytes(), task.codec(),
                       std::string("the argument of '") + self.name() + "'");
      arguments.emplace(unpacked->template as_arguments<Arguments>());
    } catch (const ProtocolError& error) {
      task.fail("brood::ProtocolError", error.what());
      return;
    }
    self.answer(task, *std::move(arguments));
  }
  void answer(Task& task, Arguments arguments) const {
    if constexpr (std::is_void_v<Result>) {
      std::apply(f_, std::move(arguments));
      msgpack::sbuffer nil;
      msgpack::pack(nil, msgpack::type::nil_t());
      task.reply({reinterpret_cast<const std::byte*>(nil.data()), nil.size()}, BROOD_CODEC_MSGPACK);
    } else {
      msgpack::sbuffer buffer;
      msgpack::pack(buffer, std::apply(f_, std::move(arguments)));
      task.reply({reinterpret_cast<const std::byte*>(buffer.data()), buffer.size()},
                 BROOD_CODEC_MSGPACK);
    }
  }

  F f_;
};

/** A function on bare bytes: it answers through its Task. */
template <class F>
class BytesFunction : public detail::Registration {
 public:
  BytesFunction(const char* name, F f)
      : Registration(name, &BytesFunction::run), f_(std::move(f)) {}

 private:
  static void run(brood_task* raw, void* context) {
    const auto& self = *static_cast<const BytesFunction*>(static_cast<Registration*>(context));
    Task task(raw);
    self.f_(task);
  }

  F f_;
};

/**
 * Give a function or lambda a name, before init():
 *
 *     static const auto fib = brood::function("fib", [](int n) -> long { ... });
 *
 * Its arguments and result are MessagePack values: numbers, strings, containers, tuples, and your
 * own types with MSGPACK_DEFINE. One argument travels as itself, several as an array, none as nil.
 *
 * @param name  must outlive the result: a literal.
 */
template <class F>
[[nodiscard]] Function<std::decay_t<F>> function(const char* name, F&& f) {
  return {name, std::forward<F>(f)};
}

/** The same for a function that takes `brood::Task &` and reads and writes bytes in place. */
template <std::invocable<Task&> F>
[[nodiscard]] BytesFunction<std::decay_t<F>> bytes_function(const char* name, F&& f) {
  return {name, std::forward<F>(f)};
}

/** Values of types A can be the arguments of Function<F>. */
template <class F, class... A>
concept CallableWith =
    sizeof...(A) == std::tuple_size_v<typename Function<F>::Arguments>&& std::constructible_from<
                        typename Function<F>::Arguments, A...>;

/**
 * Start brood; in a worker, become the worker. The first call in main(), after every function() has
 * been made; see brood_init().
 */
inline void init(int argc, char** argv, const brood_init_options* options = nullptr) {
  detail::Registration::register_all();
  detail::check([&](brood_error** error) { return brood_init(argc, argv, options, error); });
}

}  // namespace v0
}  // namespace brood
#endif
