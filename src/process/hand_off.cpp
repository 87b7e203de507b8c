#include "process/hand_off.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace brood {

namespace {

constexpr uint32_t kMagic = 0x6872627f;
constexpr uint32_t kVersion = 1;
constexpr size_t kNonceSize = 32;
constexpr size_t kMostNameBytes = 4096;

// The packet: this, the name, the payload. Magic, nonce and version stay where they are for ever.
struct Bytes {
  uint32_t magic;
  uint32_t version;
  char nonce[kNonceSize];
  int64_t parent_pid;
  uint64_t parent_start_time;
  uint32_t depth;
  uint32_t member;
  uint32_t name_bytes;
  uint32_t payload_bytes;
  uint32_t has_arena;
  uint32_t zero;
};
static_assert(sizeof(Bytes) == 80 && offsetof(Bytes, nonce) == 8 &&
              offsetof(Bytes, parent_pid) == 40);
constexpr size_t kFixedBytes = offsetof(Bytes, parent_pid);

std::string make_nonce() {
  std::byte random[kNonceSize / 2];
  platform::random_bytes(random);
  std::string nonce;
  for (std::byte byte : random) {
    nonce += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
    nonce += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  }
  return nonce;
}

Error damaged(const std::string& what) {
  return Error(Code::Protocol, "the hand-off from the parent is damaged: " + what +
                                   "; parent and worker must use one version of brood");
}

template <class Number>
bool take_number(std::string_view& text, char end, Number& out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const auto size = static_cast<size_t>(stop - text.data());
  if (error != std::errc() || size == 0 || size >= text.size() || text[size] != end) return false;
  text.remove_prefix(size + 1);
  return true;
}

// What the watching thread keeps open.
struct ParentWatch {
  platform::Fd control;
  platform::Fd parent;  // none where it cannot be had

  void run() const {
    const std::array fds = {control.get(), parent.get()};
    const auto watched = std::span(fds).first(parent ? 2 : 1);
    for (;;) {
      const auto ready = platform::wait_readable(watched, Deadline::forever());
      if (!ready || *ready == 1) platform::kill_self();
      // Nothing is said here so far; what comes is from a newer parent, and does not matter.
      auto packet = platform::receive_packet(control.get(), Deadline::after_ms(0));
      if (!packet && packet.error().code() == Code::Closed) platform::kill_self();
    }
  }
};

}  // namespace

Result<HandOffPlace> parse_hand_off_variable(const std::string& value) {
  HandOffPlace place;
  std::string_view rest = value;
  bool good = take_number(rest, ':', place.fd) && take_number(rest, ':', place.parent_pid);
  good = good && place.fd >= 3 && place.parent_pid > 0 && rest.size() == kNonceSize &&
         rest.find_first_not_of("0123456789abcdef") == rest.npos;
  if (good) {
    place.nonce = rest;
    return place;
  }
  return Error(Code::Protocol, std::string(kHandOffVariable) + " is '" + value.substr(0, 80) +
                                   "', but brood sets it to <fd>:<pid>:<32 hexadecimal digits> for "
                                   "its workers; unset it to run this program by itself");
}

Result<std::vector<std::byte>> encode_hand_off(const HandOff& hand_off, const HandOffPlace& place) {
  Bytes head = {};
  const size_t size = sizeof head + hand_off.name.size() + hand_off.payload.size();
  if (hand_off.name.size() > kMostNameBytes || size > platform::kMaxPacketBytes) {
    return Error(Code::TooBig, "a worker is handed " + std::to_string(size) + " bytes; at most " +
                                   std::to_string(platform::kMaxPacketBytes) +
                                   " are possible, with a name of at most " +
                                   std::to_string(kMostNameBytes));
  }
  head.magic = kMagic;
  head.version = kVersion;
  std::memcpy(head.nonce, place.nonce.data(), kNonceSize);
  head.parent_pid = hand_off.parent_pid;
  head.parent_start_time = hand_off.parent_start_time;
  head.depth = hand_off.depth;
  head.member = hand_off.member;
  head.name_bytes = static_cast<uint32_t>(hand_off.name.size());
  head.payload_bytes = static_cast<uint32_t>(hand_off.payload.size());
  head.has_arena = hand_off.arena ? 1 : 0;
  std::vector<std::byte> packet(sizeof head);
  std::memcpy(packet.data(), &head, sizeof head);
  const auto name = std::as_bytes(std::span(hand_off.name));
  packet.insert(packet.end(), name.begin(), name.end());
  packet.insert(packet.end(), hand_off.payload.begin(), hand_off.payload.end());
  return packet;
}

Result<std::optional<HandOff>> decode_hand_off(std::span<const std::byte> packet,
                                               const HandOffPlace& place) {
  Bytes head = {};
  std::memcpy(&head, packet.data(), std::min(packet.size(), sizeof head));
  if (packet.size() < kFixedBytes || head.magic != kMagic ||
      std::memcmp(head.nonce, place.nonce.data(), kNonceSize) != 0) {
    return std::optional<HandOff>();
  }
  if (head.version != kVersion) {
    return Error(Code::Protocol,
                 "the parent hands over in version " + std::to_string(head.version) +
                     ", this library understands version " + std::to_string(kVersion) +
                     "; parent and worker must use one version of brood");
  }
  if (packet.size() < sizeof head) return damaged("it is cut short");
  if (head.parent_pid != place.parent_pid) return std::optional<HandOff>();
  if (head.zero != 0 || head.has_arena > 1 || head.depth == 0) {
    return damaged("it has fields that make no sense");
  }
  if (head.name_bytes > kMostNameBytes ||
      sizeof head + uint64_t{head.name_bytes} + head.payload_bytes != packet.size()) {
    return damaged("its lengths do not fit its " + std::to_string(packet.size()) + " bytes");
  }
  HandOff hand_off;
  const auto* name = reinterpret_cast<const char*>(packet.data()) + sizeof head;
  hand_off.name.assign(name, head.name_bytes);
  const auto payload = packet.subspan(sizeof head + head.name_bytes);
  hand_off.payload.assign(payload.begin(), payload.end());
  hand_off.parent_pid = head.parent_pid;
  hand_off.parent_start_time = head.parent_start_time;
  hand_off.depth = head.depth;
  hand_off.member = head.member;
  return std::optional(std::move(hand_off));
}

Result<HandOffEnds> offer_hand_off(const HandOff& hand_off) {
  const HandOffPlace place = {kHandOffFd, hand_off.parent_pid, make_nonce()};
  auto packet = encode_hand_off(hand_off, place);
  if (!packet) return packet.error();
  auto sockets = platform::make_socket_pair();
  if (!sockets) return sockets.error();
  std::vector<int> fds;
  if (hand_off.arena) fds.push_back(hand_off.arena.get());
  BROOD_TRY(platform::send_packet(sockets->first.get(), *packet, fds, Deadline::after_ms(0)));
  HandOffEnds ends;
  ends.variable = std::string(kHandOffVariable) + "=" + std::to_string(place.fd) + ":" +
                  std::to_string(place.parent_pid) + ":" + place.nonce;
  ends.parent_end = std::move(sockets->first);
  ends.child_end = std::move(sockets->second);
  return ends;
}

Result<std::optional<ReceivedHandOff>> receive_hand_off() {
  const auto value = platform::trusted_environment(kHandOffVariable);
  if (!value) return std::optional<ReceivedHandOff>();
  auto place = parse_hand_off_variable(*value);
  if (!place) return place.error();
  // Looked at before anything is taken: the fd may be somebody else's by now.
  auto first = platform::peek_packet(place->fd);
  if (!first) {
    platform::unset_environment(kHandOffVariable);
    return std::optional<ReceivedHandOff>();
  }
  auto hand_off = decode_hand_off(*first, *place);
  if (!hand_off) return hand_off.error();
  platform::unset_environment(kHandOffVariable);
  if (!hand_off->has_value()) return std::optional<ReceivedHandOff>();

  auto packet = platform::receive_packet(place->fd, Deadline::after_ms(0));
  if (!packet) return packet.error();
  ReceivedHandOff received;
  received.hand_off = std::move(**hand_off);
  if (packet->fds_lost) return damaged("there is no room for its fds in this process");
  const bool has_arena = reinterpret_cast<const Bytes*>(first->data())->has_arena != 0;
  if (packet->fds.size() != size_t{has_arena}) return damaged("its fds are missing");
  if (has_arena) received.hand_off.arena = std::move(packet->fds[0]);
  // Made anew, so that it is close-on-exec.
  auto control = platform::duplicate(place->fd);
  if (!control) return control.error();
  platform::FdTraits::close(place->fd);
  received.control = std::move(*control);
  return std::optional(std::move(received));
}

Status start_parent_watch(const ReceivedHandOff& received) {
  auto control = platform::duplicate(received.control.get());
  if (!control) return control.error();
  auto watch = std::make_shared<ParentWatch>();
  watch->control = std::move(*control);
  // A child that the host forked without exec holds the socket too: the host itself is watched as
  // well, where it can be seen from here.
  const HandOff& hand_off = received.hand_off;
  auto parent = platform::open_process(hand_off.parent_pid);
  if (parent && platform::process_alive(hand_off.parent_pid, hand_off.parent_start_time)) {
    watch->parent = std::move(*parent);
  }
  auto thread = platform::start_thread("brood-parent", [watch] { watch->run(); });
  if (!thread) return thread.error();
  return {};
}

}  // namespace brood
