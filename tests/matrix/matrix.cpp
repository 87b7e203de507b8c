// C++'s part of the matrix: the tasks as a worker, the checks as a host. See README.md beside this
// file.
//
// usage: matrix_cpp COMMAND...   (the workers' program)
#include <signal.h>
#include <unistd.h>

#include <brood/brood.hpp>
#include <cstdio>
#include <functional>

using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 60s;  // whoever waits so long waits for nothing

using Bytes = std::vector<char>;
using Extension = msgpack::type::ext;

/** A task's arguments of which some are handles: each stands as an extension with its number. */
template <class... A>
std::tuple<A...> arguments_of(const brood::Task& task) {
  const brood::Bytes bytes = task.bytes();
  return msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .get()
      .as<std::tuple<A...>>();
}

/** A message of arguments, with its handles attached in their order. */
template <class Value, class... Handles>
brood::Message message_of(const Value& value, Handles&... handles) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  brood::Message message(std::as_bytes(std::span(buffer.data(), buffer.size())),
                         uint8_t{BROOD_CODEC_MSGPACK});
  (message.attach(handles), ...);
  return message;
}

Extension handle_number(char number) { return Extension(1, &number, 1); }

template <class T>
void put(brood::Queue& queue, const T& value) {
  queue.put(message_of(value));
}

template <class T>
T get(brood::Queue& queue) {
  const std::optional<brood::Message> message = queue.get(kLong);
  return msgpack::unpack(message.value().text().data(), message.value().size()).get().as<T>();
}

// ---- the tasks ----------------------------------------------------------------------------------

const auto square = brood::function("square", [](int64_t n) { return n * n; });
const auto echo = brood::function("echo", [](const msgpack::object& value) { return value; });
const auto fail =
    brood::function("fail", [](const std::string& text) -> int { throw std::out_of_range(text); });
const auto crash = brood::function("crash", [] { raise(SIGKILL); });

const auto hang = brood::bytes_function("hang", [](brood::Task& task) {
  auto queue = task.take<brood::Queue>(0);
  put(queue, "running");
  for (;;) pause();
});

const auto fill = brood::bytes_function("fill", [](brood::Task& task) {
  auto queue = task.take<brood::Queue>(0);
  const auto [number, count] = arguments_of<Extension, int>(task);
  for (int i = 0; i < count; ++i) put(queue, i);
});

const auto locked_add = brood::bytes_function("locked_add", [](brood::Task& task) {
  auto lock = task.take<brood::Lock>(0);
  auto array = task.take<brood::Shared<int64_t>>(1);
  auto queue = task.take<brood::Queue>(2);
  std::unique_lock guard(lock, std::try_to_lock);
  put(queue, guard.owns_lock());
  if (!guard) guard.lock();
  array[0] += 1;
});

const auto scale = brood::bytes_function("scale", [](brood::Task& task) {
  auto array = task.take<brood::Shared<double>>(0);
  const auto [number, factor] = arguments_of<Extension, double>(task);
  for (double& element : array) element *= factor;
});

// ---- the host -----------------------------------------------------------------------------------

void expect(bool condition, const std::string& why) {
  if (!condition) throw std::runtime_error(why);
}

template <class Failure>
Failure thrown(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure;
  }
  throw std::runtime_error("it did not fail");
}

void goes_on(brood::Pool& pool) { expect(pool.call(square, 9) == 81, "the next task fails"); }

void check_map(brood::Pool& pool) {
  std::vector<int64_t> inputs, squares;
  for (int64_t n = 0; n < 100; ++n) {
    inputs.push_back(n);
    squares.push_back(n * n);
  }
  expect(pool.map(square, inputs) == squares, "a square is wrong");
}

template <class T>
void check_echo(brood::Pool& pool, const T& value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  const std::string sent(buffer.data(), buffer.size());
  const brood::Message back =
      pool.submit_bytes("echo", brood::bytes_of(sent), {}, BROOD_CODEC_MSGPACK).get();
  expect(back.codec() == BROOD_CODEC_MSGPACK, "it came back with another codec");
  expect(back.text() == sent, "value " + sent + " came back as " + std::string(back.text()));
}

void check_values(brood::Pool& pool) {
  check_echo(pool, msgpack::type::nil_t());
  check_echo(pool, true);
  check_echo(pool, false);
  check_echo(pool, -1);
  check_echo(pool, INT64_MAX);
  check_echo(pool, INT64_MIN);
  check_echo(pool, 1.5);
  check_echo(pool, -0.1);
  check_echo(pool, "");
  check_echo(pool, "Größe 日本語 🐦");
  check_echo(pool, Bytes{'\x00', '\xff', '\x80'});
  check_echo(pool, std::vector<int>());
  check_echo(pool, std::tuple(1, std::tuple(2.5, std::tuple("x", msgpack::type::nil_t()))));
  const std::map<std::string, Bytes> innermost{{"a", {'\x01'}}};
  const std::map<std::string, std::tuple<int, decltype(innermost)>> inner{{"deep", {1, innermost}}};
  check_echo(pool, std::map<std::string, decltype(inner)>{{"Maß", inner}});
  check_echo(pool, timespec{1700000000, 250000000});
}

void check_error(brood::Pool& pool) {
  const auto error = thrown<brood::Remote>([&] { pool.call(fail, "Größe 7 fehlt"); });
  expect(std::string(error.what()).find("Größe 7 fehlt") != std::string::npos,
         std::string("its message is ") + error.what());
  expect(!error.kind().empty(), "its kind is empty");
  expect(error.pid() != 0 && error.pid() != getpid(), "its pid is wrong");
}

void check_crash(brood::Pool& pool) {
  const auto error = thrown<brood::WorkerLost>([&] { pool.call(crash); });
  expect(error.signal() == SIGKILL && error.pid() != 0, error.what());
  goes_on(pool);
}

void check_timeout(brood::Pool& pool) {
  brood::Queue queue;
  thrown<brood::TaskTimeout>([&] {
    (void)pool.submit_message("hang", message_of(handle_number(0), queue), {.run_limit = 200ms})
        .get();
  });
  goes_on(pool);
}

void check_cancel(brood::Pool& pool) {
  brood::Queue queue;
  auto future = pool.submit_message("hang", message_of(handle_number(0), queue));
  expect(get<std::string>(queue) == "running", "it does not run");
  future.cancel();
  thrown<brood::Canceled>([&] { (void)future.get(); });
  goes_on(pool);
}

void check_queue(brood::Pool& pool) {
  brood::Queue queue;
  auto future = pool.submit_message("fill", message_of(std::tuple(handle_number(0), 1000), queue));
  for (int i = 0; i < 1000; ++i) expect(get<int>(queue) == i, "a number is missing");
  (void)future.get();
  expect(queue.size() == 0, "something is left");
}

void check_lock(brood::Pool& pool) {
  brood::Lock lock;
  brood::Shared<int64_t> array;
  brood::Queue queue;
  std::unique_lock guard(lock);
  auto arguments = std::tuple(handle_number(0), handle_number(1), handle_number(2));
  auto future = pool.submit_message("locked_add", message_of(arguments, lock, array, queue));
  expect(!get<bool>(queue), "the worker got the lock");
  expect(!future.done() && *array == 0, "the worker did not wait for the lock");
  guard.unlock();
  (void)future.get();
  expect(*array == 1, "the element is " + std::to_string(*array));
}

void check_array(brood::Pool& pool) {
  brood::Shared<double> array(1000);
  for (size_t i = 0; i < 1000; ++i) array[i] = static_cast<double>(i) + 0.5;
  (void)pool.submit_message("scale", message_of(std::tuple(handle_number(0), 2.5), array)).get();
  for (size_t i = 0; i < 1000; ++i) {
    expect(array[i] == (static_cast<double>(i) + 0.5) * 2.5, "an element is wrong");
  }
}

bool passes(const char* name, void (*check)(brood::Pool&), brood::Pool& pool) {
  try {
    check(pool);
    std::printf("ok %s\n", name);
    return true;
  } catch (const std::exception& error) {
    std::printf("failed %s: %s\n", name, error.what());
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  brood::init(argc, argv);  // a worker does not come back from here
  const struct {
    const char* name;
    void (*run)(brood::Pool&);
  } checks[] = {
      {"map", check_map},     {"values", check_values},   {"error", check_error},
      {"crash", check_crash}, {"timeout", check_timeout}, {"cancel", check_cancel},
      {"queue", check_queue}, {"lock", check_lock},       {"array", check_array},
  };
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  brood::PoolOptions options;
  options.workers = 1;
  options.command.assign(argv + 1, argv + argc);
  brood::Pool pool(options);
  int failed = 0;
  for (const auto& check : checks) failed += passes(check.name, check.run, pool) ? 0 : 1;
  std::printf("%zu checks, %d failed\n", std::size(checks), failed);
  return failed == 0 ? 0 : 1;
}
