// What programs of different families say to each other: what is written is read again, and nothing
// else is.
#include "rendezvous/wire.hpp"

#include <cstring>

#include "family.hpp"

using namespace brood;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const char* text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text);
  return {begin, begin + std::strlen(text)};
}

Bytes packet_of(const wire::Frame& frame) {
  Bytes packet(wire::kFrameHeader);
  wire::encode_header(frame, std::span(packet).first<wire::kFrameHeader>());
  packet.insert(packet.end(), frame.bytes.begin(), frame.bytes.end());
  return packet;
}

void greetings_are_read_as_they_were_written(void**) {
  const Bytes token = bytes_of("token");
  Bytes packet = wire::encode(wire::Hello{wire::kVersion, 77, token});
  const auto hello = wire::decode_hello(packet);
  assert_true(hello.has_value());
  assert_int_equal(hello->most_bytes, 77);
  assert_true(Bytes(hello->token.begin(), hello->token.end()) == token);
  const auto welcome =
      wire::decode_welcome(wire::encode(wire::Welcome{wire::kVersion, wire::Answer::Full, 5}));
  assert_true(welcome && welcome->answer == wire::Answer::Full && welcome->most_bytes == 5);
  assert_false(wire::decode_welcome(packet).has_value());

  // Cut anywhere, with something behind it, or with sizes that nobody has.
  for (size_t size = 0; size < packet.size(); ++size) {
    assert_false(wire::decode_hello(std::span(packet).first(size)).has_value());
  }
  packet.push_back({});
  assert_false(wire::decode_hello(packet).has_value());
  assert_false(wire::decode_hello(wire::encode(wire::Hello{wire::kVersion, 0, {}})).has_value());
  assert_false(
      wire::decode_hello(wire::encode(wire::Hello{wire::kVersion, UINT64_MAX, {}})).has_value());
  const Bytes long_token(wire::kMostToken + 1);
  assert_false(
      wire::decode_hello(wire::encode(wire::Hello{wire::kVersion, 1, long_token})).has_value());
  const auto answer = static_cast<wire::Answer>(99);
  assert_false(
      wire::decode_welcome(wire::encode(wire::Welcome{wire::kVersion, answer, 5})).has_value());
  // Of another version, that much is known.
  const auto newer = wire::decode_hello(wire::encode(wire::Hello{9, 0, {}}));
  assert_true(newer && newer->version == 9);
}

void messages_are_put_together(void**) {
  wire::Assembly assembly(10);
  const Bytes text = bytes_of("0123456789");
  const auto piece = std::span<const std::byte>(text);
  assert_true(assembly.add(
      *wire::decode_frame(packet_of({wire::FrameKind::First, 7, 10, piece.first(4)}))));
  assert_false(assembly.whole());
  assert_true(assembly.add(
      *wire::decode_frame(packet_of({wire::FrameKind::More, 0, 0, piece.subspan(4)}))));
  assert_true(assembly.whole());
  assert_int_equal(assembly.codec(), 7);
  assert_true(Bytes(assembly.bytes().begin(), assembly.bytes().end()) == text);
  assembly.begin();
  assert_false(assembly.whole());
  // One that is given up is forgotten; an empty one is a message.
  assert_true(assembly.add({wire::FrameKind::First, 1, 5, piece.first(1)}));
  assert_true(assembly.add({wire::FrameKind::Dropped, 0, 0, {}}));
  assert_true(assembly.add({wire::FrameKind::First, 2, 0, {}}));
  assert_true(assembly.whole());
  assert_int_equal(assembly.bytes().size(), 0);
}

void what_breaks_the_rules_is_refused(void**) {
  const Bytes text = bytes_of("0123456789");
  const auto all = std::span<const std::byte>(text);
  const wire::Frame bad[] = {
      {wire::FrameKind::First, 0, 5, all},    // more than it says
      {wire::FrameKind::First, 0, 5, {}},     // brings nothing
      {wire::FrameKind::More, 0, 0, {}},      // the same
      {wire::FrameKind::More, 0, 1, all},     // says a size again
      {wire::FrameKind::More, 1, 0, all},     // or a codec
      {wire::FrameKind::Dropped, 0, 0, all},  // brings something
      {static_cast<wire::FrameKind>(0), 0, 0, {}}, {static_cast<wire::FrameKind>(4), 0, 0, {}},
  };
  for (const wire::Frame& frame : bad) {
    assert_false(wire::decode_frame(packet_of(frame)).has_value());
  }
  Bytes padded = packet_of({wire::FrameKind::First, 0, 10, all});
  padded[3] = std::byte{1};
  assert_false(wire::decode_frame(padded).has_value());
  assert_false(wire::decode_frame(std::span(padded).first(15)).has_value());

  wire::Assembly assembly(10);
  assert_false(assembly.add({wire::FrameKind::First, 0, 11, all}));  // too large
  assert_false(assembly.add({wire::FrameKind::More, 0, 0, all}));    // of nothing
  assert_false(assembly.add({wire::FrameKind::Dropped, 0, 0, {}}));
  assert_true(assembly.add({wire::FrameKind::First, 0, 10, all.first(1)}));
  assert_false(assembly.add({wire::FrameKind::First, 0, 10, all}));  // in the middle of one
  assert_false(assembly.add({wire::FrameKind::More, 0, 0, all}));    // more than is missing
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(greetings_are_read_as_they_were_written),
      cmocka_unit_test(messages_are_put_together),
      cmocka_unit_test(what_breaks_the_rules_is_refused),
  };
  return cmocka_run_group_tests_name("wire", tests, nullptr, nullptr);
}
