// Reading the kernel's small text files.
#pragma once

#include <string>

namespace brood::platform {

// The whole file, at most 1 MiB of it; empty when it cannot be read.
std::string read_small_file(const std::string& path);

}  // namespace brood::platform
