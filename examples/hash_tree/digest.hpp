// The SHA-256 of one file, as the workers compute it and as it travels back.
#pragma once

#include <array>
#include <brood/brood.hpp>
#include <cstdint>
#include <string>

struct Digest {
  std::array<unsigned char, 32> hash{};
  uint64_t bytes = 0;
  // errno when the file could not be read. It is a value and no exception: a file that vanishes is
  // nothing unusual in a tree that others work in.
  int32_t error = 0;
  MSGPACK_DEFINE(hash, bytes, error)
};

Digest hash_file(const std::string& path);

// The line that sha256sum prints for this file, with its escaping of odd names, and its end of
// line.
std::string checksum_line(const Digest& digest, const std::string& path);
