// From the options of C to what the nursery is asked for.
#pragma once

#include "api/runtime.hpp"

namespace brood::api {

Result<ChildLimits> read_limits(const brood_limits& limits);
// "NAME=value" strings, NULL-terminated; NULL is none.
Result<std::vector<std::string>> read_environment(const char* const* env);
// A program with its arguments; nothing for NULL.
Result<std::vector<std::string>> read_command(const char* const* command);
// `base` with `added` over it.
std::vector<std::string> merge_environment(std::vector<std::string> base,
                                           const std::vector<std::string>& added);
// What a worker runs: `command`, or this program again.
Result<ChildRequest> worker_program(Runtime& runtime, const char* const* command,
                                    const char* const* env, const char* cwd,
                                    const brood_limits& limits);

}  // namespace brood::api
