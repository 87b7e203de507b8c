// A failure as it travels from a worker to its host: code, OS code, and three texts.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace brood {

// Texts are cut at 1 MiB each, so that reporting a failure cannot run out of room.
std::vector<std::byte> encode_failure(const ErrorRecord& record);
// Protocol if the bytes are no failure.
Result<ErrorRecord> decode_failure(std::span<const std::byte> bytes);

}  // namespace brood
