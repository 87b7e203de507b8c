#include "rendezvous/wire.hpp"

#include <cstring>

namespace brood::wire {

namespace {

constexpr uint64_t kHelloMagic = 0x6f6c6c65682d7262;
constexpr uint64_t kWelcomeMagic = 0x656d6f636c65772d;

struct GreetingHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t number;  // the token's size, or the answer
  uint64_t most_bytes;
};
static_assert(sizeof(GreetingHeader) == 24);

struct FrameHeader {
  uint8_t kind;
  uint8_t codec;
  uint8_t zeros[6];
  uint64_t size;
};
static_assert(sizeof(FrameHeader) == kFrameHeader);

template <class Header>
std::optional<Header> read_header(std::span<const std::byte> packet) {
  Header header;
  if (packet.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, packet.data(), sizeof header);
  return header;
}

std::vector<std::byte> with_bytes(const GreetingHeader& header, std::span<const std::byte> bytes) {
  std::vector<std::byte> packet(sizeof header + bytes.size());
  std::memcpy(packet.data(), &header, sizeof header);
  if (!bytes.empty()) std::memcpy(packet.data() + sizeof header, bytes.data(), bytes.size());
  return packet;
}

bool sensible(uint64_t most_bytes) { return most_bytes > 0 && most_bytes <= kMostMessage; }

}  // namespace

std::vector<std::byte> encode(const Hello& hello) {
  const auto size = static_cast<uint32_t>(hello.token.size());
  return with_bytes({kHelloMagic, hello.version, size, hello.most_bytes}, hello.token);
}

std::optional<Hello> decode_hello(std::span<const std::byte> packet) {
  const auto header = read_header<GreetingHeader>(packet);
  if (!header || header->magic != kHelloMagic) return std::nullopt;
  if (header->version != kVersion) return Hello{header->version, kMostMessage, {}};
  const auto token = packet.subspan(sizeof *header);
  if (header->number > kMostToken || header->number != token.size()) return std::nullopt;
  if (!sensible(header->most_bytes)) return std::nullopt;
  return Hello{header->version, header->most_bytes, token};
}

std::vector<std::byte> encode(const Welcome& welcome) {
  return with_bytes(
      {kWelcomeMagic, welcome.version, static_cast<uint32_t>(welcome.answer), welcome.most_bytes},
      {});
}

std::optional<Welcome> decode_welcome(std::span<const std::byte> packet) {
  const auto header = read_header<GreetingHeader>(packet);
  if (!header || header->magic != kWelcomeMagic) return std::nullopt;
  if (header->version != kVersion) {
    return Welcome{header->version, Answer::OtherVersion, kMostMessage};
  }
  if (packet.size() != sizeof *header || !sensible(header->most_bytes)) return std::nullopt;
  if (header->number > static_cast<uint32_t>(Answer::Full)) return std::nullopt;
  return Welcome{header->version, static_cast<Answer>(header->number), header->most_bytes};
}

void encode_header(const Frame& frame, std::span<std::byte, kFrameHeader> out) {
  FrameHeader header = {};
  header.kind = static_cast<uint8_t>(frame.kind);
  header.codec = frame.codec;
  header.size = frame.size;
  std::memcpy(out.data(), &header, sizeof header);
}

std::optional<Frame> decode_frame(std::span<const std::byte> packet) {
  const auto header = read_header<FrameHeader>(packet);
  if (!header) return std::nullopt;
  for (const uint8_t zero : header->zeros) {
    if (zero != 0) return std::nullopt;
  }
  const auto bytes = packet.subspan(sizeof *header);
  switch (static_cast<FrameKind>(header->kind)) {
    case FrameKind::First:
      // Each frame brings something, so that none can be sent for ever.
      if (bytes.size() > header->size || (bytes.empty() && header->size != 0)) return std::nullopt;
      break;
    case FrameKind::More:
      if (bytes.empty() || header->size != 0 || header->codec != 0) return std::nullopt;
      break;
    case FrameKind::Dropped:
      if (!bytes.empty() || header->size != 0 || header->codec != 0) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }
  return Frame{static_cast<FrameKind>(header->kind), header->codec, header->size, bytes};
}

bool Assembly::add(const Frame& frame) {
  if ((frame.kind == FrameKind::First) == open_) return false;
  switch (frame.kind) {
    case FrameKind::First:
      if (frame.size > most_bytes_) return false;
      open_ = true;
      codec_ = frame.codec;
      size_ = frame.size;
      break;
    case FrameKind::More:
      break;
    case FrameKind::Dropped:
      begin();
      return true;
  }
  if (frame.bytes.size() > size_ - bytes_.size()) return false;
  bytes_.insert(bytes_.end(), frame.bytes.begin(), frame.bytes.end());
  return true;
}

void Assembly::begin() {
  open_ = false;
  size_ = 0;
  // The room of a large message is not kept for the small ones that follow.
  if (bytes_.capacity() > 4 * kFrameBytes) bytes_ = {};
  bytes_.clear();
}

}  // namespace brood::wire
