#include "pool/failure.hpp"

#include <algorithm>
#include <cstring>

namespace brood {

namespace {

// | code | os code | size of message | of kind | of traceback | message kind traceback |
struct Header {
  int32_t code;
  int32_t os_code;
  uint32_t sizes[3];
};

constexpr size_t kLongestText = 1 << 20;

}  // namespace

std::vector<std::byte> encode_failure(const ErrorRecord& record) {
  const std::string* texts[] = {&record.message, &record.kind, &record.traceback};
  Header header{static_cast<int32_t>(record.code), record.os_code, {}};
  size_t whole = sizeof header;
  for (int i = 0; i < 3; ++i) {
    header.sizes[i] = static_cast<uint32_t>(std::min(texts[i]->size(), kLongestText));
    whole += header.sizes[i];
  }
  std::vector<std::byte> bytes(whole);
  std::memcpy(bytes.data(), &header, sizeof header);
  size_t at = sizeof header;
  for (int i = 0; i < 3; ++i) {
    std::memcpy(bytes.data() + at, texts[i]->data(), header.sizes[i]);
    at += header.sizes[i];
  }
  return bytes;
}

Result<ErrorRecord> decode_failure(std::span<const std::byte> bytes) {
  Header header;
  const Error damaged(Code::Protocol, "a worker's failure report is damaged");
  if (bytes.size() < sizeof header) return damaged;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (!is_failure_code(header.code)) return damaged;
  ErrorRecord record;
  record.code = static_cast<Code>(header.code);
  record.os_code = header.os_code;
  std::string* texts[] = {&record.message, &record.kind, &record.traceback};
  bytes = bytes.subspan(sizeof header);
  for (int i = 0; i < 3; ++i) {
    if (header.sizes[i] > bytes.size()) return damaged;
    texts[i]->assign(reinterpret_cast<const char*>(bytes.data()), header.sizes[i]);
    bytes = bytes.subspan(header.sizes[i]);
  }
  return record;
}

}  // namespace brood
