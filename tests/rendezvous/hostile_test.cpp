// Programs that do not keep the rules of the rendezvous: they are hung up on, and are in nobody's
// way.
#include <cstring>
#include <string>

#include "family.hpp"
#include "rendezvous/lookup.hpp"
#include "rendezvous/meeting_place.hpp"
#include "rendezvous/publication.hpp"

using namespace brood;

namespace {

using Bytes = std::vector<std::byte>;
const Deadline kNow = Deadline::after_ms(0);
Deadline soon() { return Deadline::after_ms(20000); }

// One for all tests: a household lives as long as its process.
Household& household() {
  static auto* made = [] {
    auto arena = std::move(*Arena::create(64 << 20));
    const auto me = *arena->members().reserve(kNobody);
    assert_true(arena->members().join(me, getpid(), 1).ok());
    auto* household = new Household(std::move(arena), me, 0);
    assert_true(household->start(false).ok());
    return household;
  }();
  return *made;
}

template <class Object>
struct Owned {
  explicit Owned(Object* made) : object(made) {}
  Owned(const Owned&) = delete;
  ~Owned() { object->unref(); }
  Object* operator->() const { return object; }
  Object* object;
};

std::string unique(const char* name) { return name + std::to_string(getpid()); }

Bytes frame(wire::FrameKind kind, uint64_t size, size_t bytes) {
  Bytes packet(wire::kFrameHeader + bytes);
  wire::encode_header({kind, 0, size, {}}, std::span(packet).first<wire::kFrameHeader>());
  return packet;
}

// An end, and the bare sockets at the other side.
struct Line {
  Line() {
    auto messages = platform::make_socket_pair();
    auto fds = platform::make_socket_pair();
    assert_true(messages.ok() && fds.ok());
    theirs = std::move(messages->second);
    their_fds = std::move(fds->second);
    end = ForeignEnd::make(
        household(),
        {std::move(messages->first), std::move(fds->first), {}, wire::kMostMessage, 1000});
  }
  ~Line() { end->unref(); }
  void say(const Bytes& packet, std::span<const int> fds = {}) const {
    assert_true(platform::send_packet(theirs.get(), packet, fds, kNow).ok());
  }
  platform::Fd theirs;
  platform::Fd their_fds;
  ForeignEnd* end;
};

void a_frame_that_is_none_ends_the_pipe(void**) {
  const Bytes bad[] = {
      Bytes(1),
      Bytes(16),
      Bytes(100000),
      frame(wire::FrameKind::More, 0, 5),
      frame(wire::FrameKind::First, 1001, 5),
      frame(wire::FrameKind::First, UINT64_MAX, 5),
      frame(wire::FrameKind::First, 4, 5),
      frame(wire::FrameKind::First, 4, 0),
      frame(wire::FrameKind::Dropped, 0, 0),
  };
  for (const Bytes& packet : bad) {
    const Line line;
    line.say(frame(wire::FrameKind::First, 3, 3));
    line.say(packet);
    // What came before it is a message; nothing after it is.
    assert_true(line.end->receive(soon(), nullptr).ok());
    for (int turn = 0; turn < 2; ++turn) {
      const auto received = line.end->receive(soon(), nullptr);
      assert_true(!received && received.error().code() == Code::Protocol);
    }
    assert_true(line.end->send({}, 0, soon(), nullptr).code() == Code::Closed);
    const auto heard = platform::receive_packet(line.theirs.get(), kNow);
    assert_true(!heard && heard.error().code() == Code::Closed);
  }
}

void fds_where_none_belong_end_the_pipe(void**) {
  const int two[] = {0, 0};
  {
    const Line line;
    line.say(frame(wire::FrameKind::First, 3, 3), std::span(two).first(1));
    const auto received = line.end->receive(soon(), nullptr);
    assert_true(!received && received.error().code() == Code::Protocol);
  }
  const Bytes word(1, std::byte{'f'});
  const Bytes other(1, std::byte{'g'});
  const auto refused = [](const Bytes& packet, std::span<const int> fds) {
    const Line line;
    assert_true(platform::send_packet(line.their_fds.get(), packet, fds, kNow).ok());
    const auto received = line.end->receive_fd(soon(), nullptr);
    assert_true(!received && received.error().code() == Code::Protocol);
    assert_true(line.end->send({}, 0, soon(), nullptr).code() == Code::Closed);
  };
  refused(word, {});
  refused(word, two);
  refused(other, std::span(two).first(1));
  refused(Bytes(2, std::byte{'f'}), std::span(two).first(1));
}

void half_a_message_is_none(void**) {
  Line line;
  line.say(frame(wire::FrameKind::First, 10, 5));
  assert_true(line.end->receive(kNow, nullptr).error().code() == Code::Timeout);
  line.say(frame(wire::FrameKind::Dropped, 0, 0));
  line.say(frame(wire::FrameKind::First, 7, 4));
  line.say(frame(wire::FrameKind::More, 0, 3));
  line.say(frame(wire::FrameKind::First, 10, 5));
  const auto received = line.end->receive(kNow, nullptr);
  assert_true(received.ok());
  assert_int_equal((*received)->size(), 7);
  line.theirs.reset();
  assert_true(line.end->receive(soon(), nullptr).error().code() == Code::Closed);
}

platform::Fd at_the_door(const std::string& name) {
  auto found = approach(name, platform::effective_user());
  assert_true(found.ok());
  return std::move(found->connection);
}

Owned<Publication> publish(const std::string& name, Admission admission = {}) {
  auto made = Publication::open(household(), name, std::move(admission));
  assert_true(made.ok());
  return Owned<Publication>(*made);
}

Visit as_myself() { return {{}, platform::effective_user(), wire::kMostMessage}; }

void who_says_nothing_keeps_nobody_out(void**) {
  const std::string name = unique("silent");
  const auto publication = publish(name);
  std::vector<platform::Fd> strangers;
  for (int i = 0; i < 100; ++i) strangers.push_back(at_the_door(name));
  for (const size_t size : {1u, 24u, 1000u, 100000u}) {
    strangers.push_back(at_the_door(name));
    assert_true(platform::send_packet(strangers.back().get(), Bytes(size), {}, kNow).ok());
  }
  auto visitor = look_up(household(), name, as_myself(), soon(), nullptr);
  assert_true(visitor.ok());
  auto host = publication->accept(soon(), nullptr);
  assert_true(host.ok());
  assert_true((*visitor)->send(Bytes(3), 0, soon(), nullptr).ok());
  assert_int_equal(*(*host)->peek_size(soon(), nullptr), 3);
  (*visitor)->unref();
  (*host)->unref();
  // They are turned out after a while.
  for (const platform::Fd& stranger : strangers) {
    const auto heard = platform::receive_packet(stranger.get(), soon());
    assert_true(!heard && heard.error().code() == Code::Closed);
  }
  assert_true(publication->accept(kNow, nullptr).error().code() == Code::Timeout);
}

void another_version_is_told_so(void**) {
  const std::string name = unique("version");
  const auto publication = publish(name);
  const platform::Fd stranger = at_the_door(name);
  const auto hello = wire::encode(wire::Hello{99, 1, {}});
  assert_true(platform::send_packet(stranger.get(), hello, {}, kNow).ok());
  const auto heard = platform::receive_packet(stranger.get(), soon());
  assert_true(heard.ok());
  const auto welcome = wire::decode_welcome(heard->bytes);
  assert_true(welcome && welcome->answer == wire::Answer::OtherVersion);
}

void a_full_house_lets_in_who_waits(void**) {
  const std::string name = unique("full");
  const auto publication = publish(name);
  std::vector<std::unique_ptr<Owned<ForeignEnd>>> visitors;
  for (;;) {
    auto visitor = look_up(household(), name, as_myself(), kNow, nullptr);
    if (!visitor) {
      assert_true(visitor.error().code() == Code::Timeout);
      break;
    }
    visitors.push_back(std::make_unique<Owned<ForeignEnd>>(*visitor));
    assert_true(visitors.size() <= 64);
  }
  assert_int_equal(visitors.size(), 64);
  auto host = publication->accept(kNow, nullptr);
  assert_true(host.ok());
  (*host)->unref();
  auto visitor = look_up(household(), name, as_myself(), soon(), nullptr);
  assert_true(visitor.ok());
  (*visitor)->unref();
}

// Somebody of this user who answers what is no answer.
void an_impostors_answer_is_none(void**) {
  const std::string name = unique("impostor");
  auto place = open_place(name);
  assert_true(place.ok());
  const int fd = 0;
  const Bytes admitted = wire::encode(wire::Welcome{});
  const std::pair<Bytes, std::span<const int>> answers[] = {
      {Bytes(5), {}}, {admitted, {}}, {admitted, {&fd, 1}}};
  for (const auto& [bytes, fds] : answers) {
    platform::Thread* thread = *platform::start_thread("impostor", [&, bytes = bytes, fds = fds] {
      (void)platform::wait_fd(place->get(), false, soon());
      const auto met = platform::accept_met(place->get());
      (void)platform::receive_packet(met->get(), soon());
      (void)platform::send_packet(met->get(), bytes, fds, kNow);
    });
    const auto visitor = look_up(household(), name, as_myself(), soon(), nullptr);
    platform::join_thread(thread);
    assert_true(!visitor && visitor.error().code() == Code::Protocol);
  }
}

}  // namespace

int main() {
  alarm(100);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_frame_that_is_none_ends_the_pipe),
      cmocka_unit_test(fds_where_none_belong_end_the_pipe),
      cmocka_unit_test(half_a_message_is_none),
      cmocka_unit_test(who_says_nothing_keeps_nobody_out),
      cmocka_unit_test(another_version_is_told_so),
      cmocka_unit_test(a_full_house_lets_in_who_waits),
      cmocka_unit_test(an_impostors_answer_is_none),
  };
  return cmocka_run_group_tests_name("hostile programs", tests, nullptr, nullptr);
}
