// From brood_process_options to what is started; shared by spawn and start.
#pragma once

#include "api/handles.hpp"

namespace brood::api {

// `command` is what to run: options.command, or this program again.
Result<SubprocessPlan> read_plan(const brood_process_options& options,
                                 std::vector<std::string> command);

}  // namespace brood::api
