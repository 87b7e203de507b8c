// What programs of different families say to each other: pure functions, since all of it is read
// from a stranger. A packet is one of these, in this machine's byte order:
//
//   hello     | magic | version, token's size | most bytes of a message | token |     visitor first
//   welcome   | magic | version, answer       | most bytes of a message |             its answer
//   frame     | kind, codec, 0                | size of the message     | bytes |     from then on
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace brood::wire {

inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kMostToken = 256;
inline constexpr uint64_t kMostMessage = uint64_t{1} << 30;
// Of a message in one frame.
inline constexpr size_t kFrameBytes = 64 * 1024;

struct Hello {
  uint32_t version = kVersion;
  uint64_t most_bytes = kMostMessage;  // that the visitor takes as one message
  std::span<const std::byte> token;    // inside the packet
};
std::vector<std::byte> encode(const Hello& hello);
// Nothing when it is none; of another version, only that is read.
std::optional<Hello> decode_hello(std::span<const std::byte> packet);

enum class Answer : uint32_t { Admitted = 0, OtherUser, WrongToken, OtherVersion, Full };
struct Welcome {
  uint32_t version = kVersion;
  Answer answer = Answer::Admitted;
  uint64_t most_bytes = kMostMessage;
};
std::vector<std::byte> encode(const Welcome& welcome);
std::optional<Welcome> decode_welcome(std::span<const std::byte> packet);

enum class FrameKind : uint8_t {
  First = 1,    // begins a message
  More = 2,     // the next piece
  Dropped = 3,  // its sender gave up: the pieces so far are nothing
};
struct Frame {
  FrameKind kind = FrameKind::First;
  uint8_t codec = 0;
  uint64_t size = 0;  // of the whole message, in its first frame
  std::span<const std::byte> bytes;
};
inline constexpr size_t kFrameHeader = 16;
// The header alone; the bytes follow it.
void encode_header(const Frame& frame, std::span<std::byte, kFrameHeader> out);
std::optional<Frame> decode_frame(std::span<const std::byte> packet);

// Puts messages together. Takes memory as bytes come, whatever size was promised.
class Assembly {
 public:
  explicit Assembly(uint64_t most_bytes) : most_bytes_(most_bytes) {}
  // False when the sender broke the rules: nothing more is to be believed.
  bool add(const Frame& frame);
  // Every piece is there: take it, then begin().
  bool whole() const { return open_ && bytes_.size() == size_; }
  uint8_t codec() const { return codec_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  void begin();

 private:
  uint64_t most_bytes_;
  bool open_ = false;
  uint8_t codec_ = 0;
  uint64_t size_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace brood::wire
