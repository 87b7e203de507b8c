// Counted objects, cancel tokens, waiting, messages and lanes.
#include <cstring>
#include <thread>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "family.hpp"
#include "sync/waiter.hpp"

namespace brood::test {
namespace {

int code_of(const Status& status) { return static_cast<int>(status.code()); }
template <class T>
int code_of(const Result<T>& result) {
  return static_cast<int>(result ? Code::Ok : result.error().code());
}

void objects_go_with_their_last_holder(void**) {
  Family family;
  const MemberId worker = family.join(family.host.slot);
  Holdings mine(*family.arena, family.host.slot);
  auto theirs = std::make_unique<Holdings>(*family.arena, worker.slot);
  Handle handle;
  {
    auto made = mine.create(ObjectType::Cancel, 64);
    handle = made->handle();
    const Held again = *made;
    auto also = mine.hold(handle);
    assert_true(also.ok());
    auto held = theirs->hold(handle);
    assert_true(held.ok());
    *made = Held();
    assert_true(find_object(*family.arena, handle).ok());
  }
  assert_int_equal(code_of(mine.hold(handle)), static_cast<int>(Code::State));
  Handle foreign = handle;
  foreign.place ^= uint64_t{1} << 41;
  assert_int_equal(code_of(mine.hold(foreign)), static_cast<int>(Code::Invalid));
  Handle outside = handle;
  outside.place |= (uint64_t{1} << 40) - 1;
  assert_false(mine.hold(outside).ok());
}

void a_dead_holder_lets_go(void**) {
  Family family;
  const MemberId worker = family.join(family.host.slot);
  Holdings mine(*family.arena, family.host.slot);
  Handle handle;
  in_child([&] { return 0; });
  {
    // Never destroyed, as in a process that was killed.
    static auto* theirs = new Holdings(*family.arena, worker.slot);
    static auto* made = new Result<Held>(theirs->create(ObjectType::Cancel, 8));
    handle = (*made)->handle();
    assert_true(mine.hold(handle).ok());
  }
  assert_true(find_object(*family.arena, handle).ok());
  assert_true(reap(*family.arena, worker, family.host.slot));
  assert_int_equal(code_of(mine.hold(handle)), static_cast<int>(Code::State));
}

void threads_count_right(void**) {
  Family family;
  Holdings mine(*family.arena, family.host.slot);
  auto shared = mine.create(ObjectType::Cancel, 8);
  const Handle handle = shared->handle();
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<Holdings>> holdings;
  for (int index = 0; index < 4; ++index) {
    holdings.push_back(
        std::make_unique<Holdings>(*family.arena, family.join(family.host.slot).slot));
    threads.emplace_back([&, index] {
      for (int turn = 0; turn < 20000; ++turn) (void)holdings[index]->hold(handle);
    });
  }
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(LifeWord{shared->header()->life}.count(), 1);
}

void a_token_ends_waits(void**) {
  Family family;
  auto rack = std::make_shared<BellRack>(*family.arena, family.host);
  Holdings mine(*family.arena, family.host.slot);
  auto token = CancelToken::create(mine);
  Waiter& waiter = Waiter::current(*rack);
  const auto never = [] { return false; };
  assert_int_equal(code_of(waiter.wait(Deadline::after_ms(0), &*token, never)),
                   static_cast<int>(Code::Timeout));
  assert_int_equal(code_of(waiter.wait(Deadline::after_ms(20), &*token, never)),
                   static_cast<int>(Code::Timeout));
  // More threads than a token or a member has places.
  std::atomic<int> canceled{0};
  std::vector<std::thread> threads;
  for (int index = 0; index < 60; ++index) {
    threads.emplace_back([&] {
      const Status status = Waiter::current(*rack).wait(Deadline::after_ms(20000), &*token, never);
      canceled += status.code() == Code::Canceled;
    });
  }
  while (!token->waiters()->crowded()) std::this_thread::yield();
  token->fire();
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(canceled, 60);
  assert_int_equal(code_of(waiter.wait(Deadline::forever(), &*token, never)),
                   static_cast<int>(Code::Canceled));
  assert_true(waiter.wait(Deadline::forever(), &*token, [] { return true; }).ok());
  token->reset();
  assert_int_equal(code_of(waiter.wait(Deadline::after_ms(1), &*token, never)),
                   static_cast<int>(Code::Timeout));
}

void threads_pass_a_ball(void**) {
  Family family;
  auto rack = std::make_shared<BellRack>(*family.arena, family.host);
  std::atomic<int> ball{0};
  std::atomic<uint32_t> bells[2] = {0, 0};
  constexpr int kTurns = 20000;
  const auto play = [&](int me) {
    Waiter& waiter = Waiter::current(*rack);
    bells[me] = waiter.bell_id().pack();
    while (bells[1 - me] == 0) std::this_thread::yield();
    const BellId peer = BellId::unpack(bells[1 - me]);
    for (int turn = me; turn < kTurns; turn += 2) {
      const Status status = waiter.wait(
          Deadline::after_ms(10000), nullptr, [&] { return ball == turn; },
          Waiter::cpu_of(family.members(), peer));
      if (!status) return;
      ball = turn + 1;
      family.members().ring(peer);
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  assert_int_equal(ball, kTurns);
}

void messages_carry_handles(void**) {
  Family family;
  const MemberId worker = family.join(family.host.slot);
  Holdings mine(*family.arena, family.host.slot);
  Holdings theirs(*family.arena, worker.slot);
  const Message::Ptr text = Message::copy("hello", 6, 1);
  assert_string_equal(reinterpret_cast<char*>(text->data()), "hello");
  assert_int_equal(reinterpret_cast<uintptr_t>(text->data()) % 8, 0);
  const Message::Ptr zeros = Message::copy(nullptr, 100, 0);
  assert_true(zeros->data()[99] == std::byte{0});

  auto token = theirs.create(ObjectType::Cancel, 8);
  const Held handles[] = {*token, *token};
  auto chunk = Chunk::make(theirs, 5000, handles);
  assert_true(chunk.ok());
  std::memset(Chunk::data(*family.arena, *chunk), 'm', 5000);
  assert_true(family.heap().begin_send(chunk->offset, worker.slot, 0).ok());
  *token = Held();
  {
    auto message = Chunk::receive(mine, *chunk, worker.slot, 2);
    assert_true(message.ok());
    assert_int_equal((*message)->handle_count(), 2);
    assert_int_equal((*message)->size(), 5000);
    assert_true((*message)->data()[4999] == std::byte('m'));
    assert_true((*message)->take(0).ok());
    assert_int_equal(code_of((*message)->take(0)), static_cast<int>(Code::State));
    assert_int_equal(code_of((*message)->take(2)), static_cast<int>(Code::Invalid));
    for (size_t index = 2; index < kMostHandles; ++index) {
      assert_true((*message)->attach(Held()).ok());
    }
    assert_int_equal(code_of((*message)->attach(Held())), static_cast<int>(Code::TooBig));
  }
  assert_int_equal(code_of(Chunk::receive(mine, *chunk, worker.slot, 2)),
                   static_cast<int>(Code::Protocol));
}

void lanes_keep_order_round_the_ring(void**) {
  std::vector<std::byte> memory(lane_bytes(4096) + 128);
  std::byte* at = memory.data() + (128 - reinterpret_cast<uintptr_t>(memory.data()) % 128);
  LaneHeader* lane = make_lane(at, 4096);
  assert_int_equal(lane_capacity(at, lane_bytes(4096)), 4096);
  assert_int_equal(lane_capacity(at, lane_bytes(4096) - 1), 0);
  LaneWriter writer(lane);
  LaneReader reader(lane);
  assert_null(writer.reserve(LaneWriter::largest(4096) + 1));
  assert_null(writer.reserve(SIZE_MAX));
  uint32_t written = 0;
  uint32_t read = 0;
  while (read < 10000) {
    for (;;) {
      const uint32_t size = 4 + written * 7 % 900;
      RecordHeader* record = writer.reserve(size);
      if (record == nullptr) break;
      *record = {size, 1, 0, 0};
      std::memcpy(record_data(record), &written, 4);
      ++written;
    }
    writer.publish();
    LaneReader::Record record;
    while (reader.next(record).value()) {
      uint32_t number;
      std::memcpy(&number, record.data, 4);
      assert_int_equal(number, read);
      assert_int_equal(record.header.size, 4 + read * 7 % 900);
      ++read;
    }
    reader.give_back();
  }
  writer.close();
  assert_true(reader.ended());
}

}  // namespace
}  // namespace brood::test

int main() {
  using namespace brood::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(objects_go_with_their_last_holder),
      cmocka_unit_test(a_dead_holder_lets_go),
      cmocka_unit_test(threads_count_right),
      cmocka_unit_test(a_token_ends_waits),
      cmocka_unit_test(threads_pass_a_ball),
      cmocka_unit_test(messages_carry_handles),
      cmocka_unit_test(lanes_keep_order_round_the_ring),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
