// brood.hpp: queues and pipes. What they promise is tested in C; here it is types and owners.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <array>
#include <brood/brood.hpp>
#include <cstring>
#include <string>
// After the standard headers, since it defines macros; it does not know of C++ by itself.
extern "C" {
#include <cmocka.h>
}

using namespace std::chrono_literals;

namespace {

using brood::bytes_of;

const auto echo = brood::bytes_function("echo_pipe", [](brood::Task& task) {
  auto pipe = task.take<brood::Pipe>(0);
  while (auto message = pipe.recv()) pipe.send(std::move(*message));
});

const auto echo_fd = brood::bytes_function("echo_fd", [](brood::Task& task) {
  auto pipe = task.take<brood::Pipe>(0);
  const int fd = *pipe.recv_fd();
  pipe.send_fd(fd);
  close(fd);
});

template <class Expected, class Function>
bool thrown(Function&& function) {
  try {
    function();
  } catch (const Expected&) {
    return true;
  }
  return false;
}

void queues_pass_messages(void**) {
  brood::Queue queue({.capacity_items = 3, .joinable = true});
  queue.put(bytes_of(std::string("one")));
  const std::string words[] = {"two", "three", "four"};
  const brood::Bytes items[] = {bytes_of(words[0]), bytes_of(words[1]), bytes_of(words[2])};
  assert_int_equal(queue.put_many(items, 0ms), 2);
  assert_true(thrown<brood::Timeout>([&] { queue.put(items[2], 0ms); }));
  assert_int_equal(queue.size(), 3);
  assert_true(queue.get()->text() == "one");
  auto rest = queue.get_many(10);
  assert_int_equal(rest.size(), 2);
  assert_true(rest[1].text() == "three");
  for (int count = 0; count < 3; ++count) queue.task_done();
  queue.join();
  brood::Message large = queue.loan(100000);
  std::memset(large.bytes().data(), 'x', large.size());
  queue.put(std::move(large));
  {
    auto lease = queue.get_lease();
    assert_int_equal(lease->bytes().size(), 100000);
  }
  auto lease = queue.get_lease(0ms);
  lease->ack();
  queue.join();
  assert_int_equal(queue.stats().finished, 4);
  queue.shutdown();
  assert_false(queue.get().has_value());
  assert_true(thrown<brood::Closed>([&] { queue.put(items[0]); }));
}

void pipes_pass_messages(void**) {
  auto [mine, theirs] = brood::Pipe::create();
  {
    brood::Message args(brood::Bytes{});
    args.attach(theirs);
    theirs = brood::Pipe(nullptr);
    auto process = brood::Process::start_message({}, "echo_pipe", std::move(args));
    mine.send(bytes_of(std::string("there and back")));
    assert_true(mine.poll());
    assert_int_equal(mine.peek(), 14);
    std::byte room[14];
    assert_true(thrown<brood::TooBig>([&, &end = mine] { end.recv_into(std::span(room, 3)); }));
    assert_int_equal(mine.recv_into(room), 14);
    assert_false(mine.poll(0ms));
    mine.shutdown();
    assert_false(mine.recv().has_value());
    assert_true(process.join());
  }
  auto [reader, writer] = brood::Pipe::create(false);
  assert_true(thrown<brood::InvalidArgument>([&end = writer] { (void)end.recv(); }));
}

void queues_travel_in_queues(void**) {
  brood::Queue outer;
  {
    brood::Queue inner;
    inner.put(bytes_of(std::string("inside")));
    brood::Message message(bytes_of(std::string("outside")));
    message.attach(inner);
    outer.put(std::move(message));
  }
  auto message = outer.get();
  auto inner = message->take<brood::Queue>(0);
  assert_true(inner.get()->text() == "inside");
}

void fds_pass_between_processes(void**) {
  auto [mine, theirs] = brood::Pipe::create();
  brood::Message args(brood::Bytes{});
  args.attach(theirs);
  theirs = brood::Pipe(nullptr);
  auto process = brood::Process::start_message({}, "echo_fd", std::move(args));
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  mine.send_fd(ends[1]);
  close(ends[1]);
  const auto back = mine.recv_fd();
  assert_true(back.has_value());
  assert_int_equal(write(*back, "b", 1), 1);
  close(*back);
  char byte = 0;
  assert_int_equal(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  assert_true(thrown<brood::InvalidArgument>([&] { mine.send_fd(-1); }));
  process.join();
  assert_false(mine.recv_fd().has_value());
}

void programs_meet(void**) {
  const std::string name = "cpp-" + std::to_string(getpid()), token = "token";
  brood::Publication publication(name, {.token = bytes_of(token)});
  assert_true(thrown<brood::BadState>([&] { brood::Publication again(name); }));
  assert_true(thrown<brood::Timeout>([&] { publication.accept(0ms); }));
  brood::Pipe visitor = brood::lookup(name, {}, {.token = bytes_of(token)});
  assert_true(brood::wait(std::array{publication.handle()}).has_value());
  brood::Pipe host = publication.accept();
  visitor.send(bytes_of(std::string("hello")));
  assert_true(host.recv()->text() == "hello");
  visitor = brood::Pipe(nullptr);
  assert_false(host.recv().has_value());
  publication = brood::Publication(name + "-2");
  assert_true(thrown<brood::Timeout>([&] { brood::lookup(name, 0ms); }));
}

}  // namespace

int main(int argc, char** argv) {
  brood::init(argc, argv);
  const CMUnitTest tests[] = {
      cmocka_unit_test(queues_pass_messages),    cmocka_unit_test(pipes_pass_messages),
      cmocka_unit_test(queues_travel_in_queues), cmocka_unit_test(fds_pass_between_processes),
      cmocka_unit_test(programs_meet),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
