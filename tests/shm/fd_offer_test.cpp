// Strangers at the meeting where an fd is offered: its name is there for the whole machine to see,
// and none of them gets the fd or keeps it from who may have it.
#include "channel/fd_offer.hpp"

#include <unistd.h>

#include <bit>
#include <cstring>
#include <thread>
#include <vector>

#include "family.hpp"

using namespace brood;
using brood::test::Family;

namespace {

const Deadline kNow = Deadline::after_ms(0);
const IsOver never = [] { return false; };

struct Scene {
  Scene() : rack(std::make_shared<BellRack>(*family.arena, family.host)) {
    auto at = family.heap().allocate_zeroed(sizeof(FdOffer), family.host.slot);
    assert_true(at.ok());
    offer = reinterpret_cast<FdOffer*>(family.arena->at(*at, sizeof(FdOffer)));
  }
  FdSecret secret(int index) const { return {offer->secrets[index], offer->secrets[index + 1]}; }
  std::array<std::byte, 16> name() const {
    return std::bit_cast<std::array<std::byte, 16>>(secret(0));
  }
  platform::Fd stranger() const {
    auto met = platform::meet(name());
    assert_true(met.ok());
    return std::move(*met);
  }
  void wait_for_offer() const {
    while ((offer->word & 1) == 0) std::this_thread::yield();
  }

  Family family;
  std::shared_ptr<BellRack> rack;
  FdOffer* offer;
};

// Offers the read end of a pipe until `body` is done, whose taker must get it.
void while_offered(Scene& scene, const std::function<void()>& body) {
  auto pipe = platform::make_pipe();
  assert_true(pipe.ok());
  Status given;
  std::thread giver([&] {
    given =
        give_fd(*scene.rack, *scene.offer, pipe->first.get(), Deadline::forever(), nullptr, never);
  });
  scene.wait_for_offer();
  body();
  auto taken = take_fd(*scene.rack, *scene.offer, Deadline::forever(), nullptr, never);
  giver.join();
  assert_true(given.ok());
  assert_true(taken.ok());
  assert_int_equal(write(pipe->second.get(), "x", 1), 1);
  char byte = 0;
  assert_int_equal(read(taken->get(), &byte, 1), 1);
}

void strangers_get_nothing_and_stop_nobody(void**) {
  Scene scene;
  std::vector<platform::Fd> strangers;
  while_offered(scene, [&] {
    // More that say nothing than the giver listens to.
    for (int i = 0; i < 100; ++i) strangers.push_back(scene.stranger());
    std::vector<std::vector<std::byte>> lies(3);
    lies[0].resize(1);
    lies[1].resize(100000);
    const auto wrong = say(FdWord::Question, {scene.secret(2)[0], scene.secret(2)[1] ^ 1});
    lies[2].assign(wrong.begin(), wrong.end());
    for (const auto& lie : lies) {
      strangers.push_back(scene.stranger());
      assert_true(platform::send_packet(strangers.back().get(), lie, {}, kNow).ok());
      scene.offer->givers.wake_all(scene.family.members());
    }
  });
  for (const platform::Fd& stranger : strangers) {
    const auto heard = platform::receive_packet(stranger.get(), Deadline::after_ms(20000));
    assert_true(!heard && heard.error().code() == Code::Closed);
  }
}

// A taker that knows the question and then vanishes, or says what it must not: the next one gets
// it.
void a_taker_that_never_takes_it(void**) {
  Scene scene;
  while_offered(scene, [&] {
    for (int turn = 0; turn < 3; ++turn) {
      const platform::Fd taker = scene.stranger();
      const auto question = say(FdWord::Question, scene.secret(2));
      assert_true(platform::send_packet(taker.get(), question, {}, kNow).ok());
      scene.offer->givers.wake_all(scene.family.members());
      const auto answer = platform::receive_packet(taker.get(), Deadline::after_ms(20000));
      assert_true(answer.ok());
      assert_int_equal(answer->fds.size(), 1);
      assert_true(says(answer->bytes, FdWord::Answer, scene.secret(4)));
      if (turn == 1) (void)platform::send_packet(taker.get(), question, {}, kNow);
    }
  });
}

// Somebody took the name of a giver that died: what it says is not believed, and the next giver is
// not overlooked for its sake.
void a_stranger_under_a_dead_givers_name(void**) {
  Scene scene;
  for (int i = 0; i < 6; ++i) scene.offer->secrets[i] = 77 + static_cast<uint64_t>(i);
  scene.offer->word = 9;
  auto meeting = platform::open_meeting(scene.name());
  assert_true(meeting.ok());
  Result<platform::Fd> taken = Error(Code::Internal);
  std::thread taker(
      [&] { taken = take_fd(*scene.rack, *scene.offer, Deadline::forever(), nullptr, never); });
  assert_true(*platform::wait_fd(meeting->get(), false, Deadline::after_ms(20000)));
  auto met = platform::accept_met(meeting->get());
  assert_true(met.ok());
  auto pipe = platform::make_pipe();
  const int given = pipe->second.get();
  const auto wrong = say(FdWord::Answer, scene.secret(2));
  assert_true(platform::send_packet(met->get(), wrong, {&given, 1}, kNow).ok());
  scene.offer->takers.wake_all(scene.family.members());
  const int right = pipe->first.get();
  const Status status =
      give_fd(*scene.rack, *scene.offer, right, Deadline::after_ms(20000), nullptr, never);
  taker.join();
  assert_true(status.ok());
  assert_true(taken.ok());
  pipe->second.reset();
  char byte = 0;
  assert_int_equal(read(taken->get(), &byte, 1), 0);  // the reading end, not the stranger's
}

void only_the_right_words_are_said(void**) {
  const FdSecret secret = {1, 2};
  const auto packet = say(FdWord::Question, secret);
  assert_true(says(packet, FdWord::Question, secret));
  assert_false(says(packet, FdWord::Answer, secret));
  assert_false(says(packet, FdWord::Question, {1, 3}));
  assert_false(says(packet, FdWord::Question, {0, 2}));
  assert_false(says(std::span(packet).first(23), FdWord::Question, secret));
  assert_false(says({}, FdWord::Question, secret));
}

}  // namespace

int main() {
  alarm(60);
  const CMUnitTest tests[] = {
      cmocka_unit_test(strangers_get_nothing_and_stop_nobody),
      cmocka_unit_test(a_taker_that_never_takes_it),
      cmocka_unit_test(a_stranger_under_a_dead_givers_name),
      cmocka_unit_test(only_the_right_words_are_said),
  };
  return cmocka_run_group_tests_name("fd offer", tests, nullptr, nullptr);
}
