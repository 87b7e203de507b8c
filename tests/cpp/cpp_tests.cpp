// brood.hpp: what the C++ layer adds to the C functions. That pools and processes keep their
// promises is tested in C; here it is types, exceptions, owners and the MessagePack on the way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <brood/brood.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>
// After the standard headers, since it defines macros; it does not know of C++ by itself.
extern "C" {
#include <cmocka.h>
}

using namespace std::chrono_literals;

namespace {

struct Point {
  int x = 0;
  double y = 0;
  MSGPACK_DEFINE(x, y)
};

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

std::string initialised = "no";  // NOLINT(runtime/string) one per worker

const auto fib_of = brood::function("fib", fib);
const auto add = brood::function("add", [](int a, double b) { return a + b; });
const auto answer = brood::function("answer", []() -> int { return 42; });
const auto nothing = brood::function("nothing", [](int) {});
const auto mirror = brood::function("mirror", [](const Point& p) { return Point{-p.x, -p.y}; });
const auto sizes = brood::function("sizes", [](const std::vector<std::string>& words) {
  std::map<std::string, size_t> result;
  for (const std::string& word : words) result[word] = word.size();
  return result;
});
const auto length =
    brood::function("length", [](std::string_view text) noexcept { return text.size(); });
const auto refuse = brood::function("refuse", [](int n) -> int {
  if (n % 10 == 7) throw std::out_of_range("no sevens");
  return n;
});
const auto crash = brood::function("crash", [](int n) -> int {
  if (n == 3) std::raise(SIGKILL);
  return n;
});
const auto leave = brood::function("leave", [](int code) -> int { std::exit(code); });
const auto hang = brood::function("hang", [](int) -> int {
  for (;;) std::this_thread::sleep_for(1h);
});
const auto remember =
    brood::function("remember", [](const std::string& text) { initialised = text; });
const auto recall = brood::function("recall", [](int) { return initialised; });
const auto text_reply = brood::bytes_function("text_reply", [](brood::Task& task) {
  task.reply(brood::bytes_of(std::string_view("plain text")), BROOD_CODEC_TEXT);
});
const auto broken_reply = brood::bytes_function("broken_reply", [](brood::Task& task) {
  task.reply(brood::bytes_of(std::string_view("\xdd\xff\xff\xff\xff")), BROOD_CODEC_MSGPACK);
});
const auto reverse = brood::bytes_function("reverse", [](brood::Task& task) {
  const brood::Bytes in = task.bytes();
  brood::Message out = task.loan(in.size());
  std::reverse_copy(in.begin(), in.end(), out.bytes().begin());
  task.reply(std::move(out));
});
const auto say_fib = brood::function("say_fib", [](int n) {
  std::printf("%ld", fib(n));
  std::fflush(stdout);
});

// What must not compile does not: each is asked in a context where the answer is a value.
template <class F, class... A>
constexpr bool takes(const brood::Function<F>&, A&&...) {
  return brood::CallableWith<F, A...>;
}
static_assert(brood::CallableWith<long (*)(int), int>);
static_assert(!brood::CallableWith<long (*)(int), std::string>);
static_assert(!brood::CallableWith<long (*)(int)>);
static_assert(!brood::CallableWith<long (*)(int), int, int>);
static_assert(std::is_same_v<decltype(add)::Result, double>);
static_assert(!std::is_copy_constructible_v<brood::Pool> &&
              std::is_move_constructible_v<brood::Pool>);
static_assert(!std::is_copy_constructible_v<brood::Future<int>> &&
              std::is_nothrow_move_constructible_v<brood::Future<int>>);
static_assert(std::is_nothrow_copy_constructible_v<brood::Error>);
static_assert(std::input_iterator<brood::Results<int>::Iterator>);

// Runs `action`, which must throw exactly an E, and gives it back for a closer look.
template <class E, class Action>
brood::Error thrown(Action action) {
  try {
    action();
  } catch (const E& error) {
    return error;
  } catch (const std::exception& error) {
    fail_msg("threw another exception: %s", error.what());
  }
  fail_msg("%s", "threw nothing");
  std::abort();
}

void assert_contains(std::string_view text, std::string_view part) {
  if (text.find(part) == std::string_view::npos) {
    fail_msg("'%s' lacks '%s'", std::string(text).c_str(), std::string(part).c_str());
  }
}

void values_travel(void**) {
  brood::Pool pool({.workers = 2});
  assert_int_equal(fib(20), pool.call(fib_of, 20));
  assert_true(pool.call(add, 1, 0.5) == 1.5);
  assert_int_equal(42, pool.call(answer));
  pool.call(nothing, 1);
  const Point point = pool.call(mirror, Point{1, 2.5});
  assert_true(point.x == -1 && point.y == -2.5);
  const auto found = pool.call(sizes, std::vector<std::string>{"a", "", "ccc"});
  assert_int_equal(3, found.size());
  assert_int_equal(3, found.at("ccc"));
  assert_int_equal(5, pool.call(length, "12345"));
}

void a_function_is_still_a_function(void**) { assert_int_equal(55, fib_of(10)); }

void map_keeps_the_order(void**) {
  brood::Pool pool({.workers = 2});
  std::vector<int> inputs(1000);
  std::iota(inputs.begin(), inputs.end(), 0);
  for (int& n : inputs) n %= 15;
  const std::vector<long> values = pool.map(fib_of, inputs);
  assert_int_equal(1000, values.size());
  for (size_t i = 0; i < values.size(); ++i) assert_int_equal(fib(int(i % 15)), values[i]);
  const std::vector<std::tuple<int, double>> pairs = {{1, 1.5}, {2, 2.5}};
  assert_true(pool.map(add, pairs) == (std::vector<double>{2.5, 4.5}));
  assert_true(pool.map(fib_of, std::vector<int>{}).empty());
}

void an_exception_in_a_task_comes_back_with_its_class(void**) {
  brood::Pool pool({.workers = 1});
  const brood::Error error = thrown<brood::Remote>([&] { pool.call(refuse, 7); });
  assert_int_equal(BROOD_E_REMOTE, error.status());
  assert_contains(error.kind(), "out_of_range");
  assert_contains(error.what(), "no sevens");
  assert_int_equal(8, pool.call(refuse, 8));
}

void collected_errors_belong_to_their_items(void**) {
  brood::Pool pool({.workers = 2});
  std::vector<int> inputs(100);
  std::iota(inputs.begin(), inputs.end(), 0);
  int failed = 0;
  uint64_t index = 0;
  for (auto& item : pool.each({.collect = true}, refuse, inputs)) {
    assert_int_equal(index++, item.index());
    assert_int_equal(item.index() % 10 == 7, !item.ok());
    if (item) {
      assert_int_equal(item.index(), item.value());
    } else {
      thrown<brood::Remote>([&] { item.value(); });
      ++failed;
    }
  }
  assert_int_equal(100, index);
  assert_int_equal(10, failed);
  thrown<brood::Remote>([&] { pool.map(refuse, inputs); });
}

void outcomes_come_together(void**) {
  brood::Pool pool({.workers = 2});
  std::vector<int> inputs(100);
  std::iota(inputs.begin(), inputs.end(), 0);
  auto results = pool.each({.collect = true}, refuse, inputs);
  uint64_t index = 0;
  for (auto items = results.next_many(30); !items.empty(); items = results.next_many(30)) {
    assert_true(items.size() <= 30);
    for (auto& item : items) {
      assert_int_equal(index++, item.index());
      assert_int_equal(item.index() % 10 == 7, !item.ok());
      if (item) assert_int_equal(item.index(), item.value());
    }
  }
  assert_int_equal(100, index);
  auto waiting = pool.each({}, hang, std::vector{0});
  thrown<brood::Timeout>([&] { waiting.next_many(1, 10ms); });
}

void lost_workers_and_run_limits_have_classes(void**) {
  brood::Pool pool({.workers = 2});
  const brood::Error killed = thrown<brood::WorkerLost>([&] { pool.call(crash, 3); });
  assert_int_equal(SIGKILL, killed.signal());
  assert_int_equal(-1, killed.exit_code());
  assert_true(killed.pid() > 0);
  const brood::Error left = thrown<brood::WorkerLost>([&] { pool.call(leave, 3); });
  assert_int_equal(3, left.exit_code());
  assert_int_equal(0, left.signal());
  thrown<brood::TaskTimeout>([&] { pool.call({.run_limit = 100ms}, hang, 0); });
  assert_int_equal(1, pool.call(crash, 1));
}

void undecodable_bytes_fail_their_task_alone(void**) {
  brood::Pool pool({.workers = 1});
  // The argument: not MessagePack, the wrong type, too few, a codec that this worker does not read.
  for (const std::string_view bytes : {std::string_view("\xc1", 1), std::string_view("\xa1x", 2),
                                       std::string_view(), std::string_view("\x01\x02", 2)}) {
    auto future = pool.submit_bytes("fib", brood::bytes_of(bytes), {}, BROOD_CODEC_MSGPACK);
    const brood::Error error = thrown<brood::Remote>([&] { future.get(); });
    assert_string_equal("brood::ProtocolError", std::string(error.kind()).c_str());
    assert_contains(error.what(), "'fib'");
  }
  auto native =
      pool.submit_bytes("fib", brood::bytes_of(std::string_view("\x01")), {}, BROOD_CODEC_NATIVE);
  thrown<brood::Remote>([&] { native.get(); });
  auto few = pool.submit_bytes("add", brood::bytes_of(std::string_view("\x91\x01")), {},
                               BROOD_CODEC_MSGPACK);
  assert_contains(thrown<brood::Remote>([&] { few.get(); }).what(), "array of 2");

  // The result: another codec, and an array that announces more than there is.
  const auto result_of = [&](const char* name) {
    brood_future* raw = nullptr;
    assert_int_equal(BROOD_OK,
                     brood_pool_submit(pool.get(), name, nullptr, 0, nullptr, &raw, nullptr));
    return brood::Future<int>(raw);
  };
  thrown<brood::ProtocolError>([&] { result_of("text_reply").get(); });
  thrown<brood::ProtocolError>([&] { result_of("broken_reply").get(); });
  assert_int_equal(5, pool.call(fib_of, 5));
}

void bytes_functions_answer_in_place(void**) {
  brood::Pool pool({.workers = 1});
  auto text = pool.submit_bytes("text_reply", {}).get();
  assert_int_equal(BROOD_CODEC_TEXT, text.codec());
  assert_true(text.text() == "plain text");
  std::vector<unsigned char> big(3 << 20);
  std::iota(big.begin(), big.end(), static_cast<unsigned char>(1));
  const brood::Message back = pool.submit_bytes("reverse", brood::bytes_of(big)).get();
  std::reverse(big.begin(), big.end());
  assert_int_equal(big.size(), back.size());
  assert_memory_equal(big.data(), back.bytes().data(), big.size());
}

void unknown_functions_are_named(void**) {
  brood::Pool pool({.workers = 1});
  auto future = pool.submit_bytes("no such thing", {});
  assert_contains(thrown<brood::NoFunction>([&] { future.get(); }).what(), "no such thing");
}

void a_stream_is_bounded_and_ordered(void**) {
  brood::Pool pool({.workers = 2});
  auto stream = pool.stream(refuse, {.window = 4, .collect = true});
  uint64_t pushed = 0;
  while (stream.push(0ms, static_cast<int>(pushed))) ++pushed;
  assert_int_equal(4, pushed);
  for (uint64_t taken = 0; taken < 100; ++taken) {
    auto item = stream.next();
    assert_int_equal(taken, item->index());
    assert_true(stream.push(10s, static_cast<int>(pushed++)));
  }
  stream.finish();
  uint64_t rest = 0;
  while (stream.next()) ++rest;
  assert_int_equal(4, rest);
  thrown<brood::Closed>([&] { stream.push(0ms, 1); });
}

void waits_end_by_time_and_by_token(void**) {
  brood::Pool pool({.workers = 1});
  auto future = pool.submit(hang, 0);
  assert_false(future.wait(10ms));
  assert_false(future.done());
  thrown<brood::Timeout>([&] { future.get(1us); });
  brood::Cancel token;
  std::thread firing([&] { token.fire(); });
  thrown<brood::Canceled>([&] { future.get({10s, token}); });
  firing.join();
  token.reset();
  assert_false(token.fired());
  assert_true(future.cancel());
  thrown<brood::Canceled>([&] { future.get(10s); });
  assert_false(future.cancel());
}

void many_handles_are_waited_for_together(void**) {
  brood::Pool pool({.workers = 2});
  auto slow = pool.submit(hang, 0);
  auto quick = pool.submit(fib_of, 5);
  brood_handle* const both[] = {slow.handle(), quick.handle()};
  assert_int_equal(1, brood::wait(both, 10s).value());
  brood_handle* const one[] = {slow.handle()};
  assert_false(brood::wait(one, 10ms).has_value());
  brood::Completions completions;
  completions.add(quick.handle(), 7);
  assert_int_equal(7, completions.next(10s).value());
  assert_false(completions.next(10s).has_value());
}

void initializers_take_arguments(void**) {
  brood::Pool pool({.workers = 1, .initializer = brood::bind(remember, "yes")});
  assert_string_equal("yes", pool.call(recall, 0).c_str());
}

void pools_end_and_count(void**) {
  brood::Pool pool({.workers = 2, .name = "counted"});
  for (int i = 0; i < 10; ++i) pool.call(fib_of, i);
  assert_int_equal(10, pool.stats().done);
  assert_int_equal(2, pool.workers().size());
  pool.shutdown();
  pool.join(10s);
  thrown<brood::Closed>([&] { pool.call(fib_of, 1); });
}

void processes_run_functions_and_programs(void**) {
  auto process = brood::Process::start({.standard_output = brood::Stdio::pipe()}, say_fib, 10);
  std::array<std::byte, 16> room;
  assert_int_equal(2, process.read(1, room, 10s));
  assert_memory_equal("55", room.data(), 2);
  assert_true(process.join(10s));
  assert_int_equal(0, process.exit_code());
  process.check_outcome();

  auto failing = brood::Process::start(refuse, 7);
  assert_true(failing.join(10s));
  assert_int_equal(1, failing.exit_code());
  assert_contains(thrown<brood::Remote>([&] { failing.check_outcome(); }).what(), "no sevens");

  auto cat = brood::Process::spawn({.command = {"cat"},
                                    .standard_input = brood::Stdio::pipe(),
                                    .standard_output = brood::Stdio::pipe()});
  cat.write(brood::bytes_of(std::string_view("hello")));
  cat.close_input();
  assert_int_equal(5, cat.read(1, room, 10s));
  assert_int_equal(0, cat.read(1, room, 10s));
  assert_true(cat.join(10s));

  auto sleeper = brood::Process::spawn({.command = {"sleep", "600"}});
  assert_true(sleeper.alive());
  thrown<brood::BadState>([&] { static_cast<void>(sleeper.exit_code()); });
  assert_false(sleeper.join(1ms));
  sleeper.kill();
  assert_true(sleeper.join(10s));
  assert_int_equal(SIGKILL, sleeper.exit_signal());

  const brood::Error none =
      thrown<brood::OsError>([] { brood::Process::spawn({.command = {"/nonexistent/program"}}); });
  assert_int_equal(ENOENT, none.os_code());
  assert_contains(none.what(), "/nonexistent/program");
}

void functions_must_be_made_before_init(void**) {
  thrown<brood::BadState>([] {
    const auto late = brood::function("late", [](int n) { return n; });
    static_cast<void>(late);
  });
}

}  // namespace

int main(int argc, char** argv) {
  brood::init(argc, argv);
  const CMUnitTest tests[] = {
      cmocka_unit_test(values_travel),
      cmocka_unit_test(a_function_is_still_a_function),
      cmocka_unit_test(map_keeps_the_order),
      cmocka_unit_test(an_exception_in_a_task_comes_back_with_its_class),
      cmocka_unit_test(collected_errors_belong_to_their_items),
      cmocka_unit_test(outcomes_come_together),
      cmocka_unit_test(lost_workers_and_run_limits_have_classes),
      cmocka_unit_test(undecodable_bytes_fail_their_task_alone),
      cmocka_unit_test(bytes_functions_answer_in_place),
      cmocka_unit_test(unknown_functions_are_named),
      cmocka_unit_test(a_stream_is_bounded_and_ordered),
      cmocka_unit_test(waits_end_by_time_and_by_token),
      cmocka_unit_test(many_handles_are_waited_for_together),
      cmocka_unit_test(initializers_take_arguments),
      cmocka_unit_test(pools_end_and_count),
      cmocka_unit_test(processes_run_functions_and_programs),
      cmocka_unit_test(functions_must_be_made_before_init),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
