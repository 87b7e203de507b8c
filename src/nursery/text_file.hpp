// What the kernel says in small text files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace brood {

// The whole file; empty when it cannot be read.
std::string read_text(const std::string& path);

// The number in the line "name number".
std::optional<uint64_t> find_count(const std::string& text, const std::string& name);

// This process's control group of version 2, as "/path" or "/"; empty when there is none. `root`
// stands before every path that is read, for tests.
std::string own_group(const std::string& root = "");

}  // namespace brood
