#include "api/requests.hpp"

#include <algorithm>

namespace brood::api {

Result<ChildLimits> read_limits(const brood_limits& limits) {
  ChildLimits result;
  result.memory_bytes = limits.memory_bytes;
  result.cpu_seconds = limits.cpu_seconds;
  result.open_files = limits.open_files;
  if (limits.core_bytes < -1) {
    return invalid("limits.core_bytes is " + std::to_string(limits.core_bytes) +
                   "; give bytes, 0 to leave it, or -1 for no core dumps");
  }
  result.core_bytes = limits.core_bytes;
  if (limits.nice < -40 || limits.nice > 40) {
    return invalid("limits.nice is " + std::to_string(limits.nice) + "; give -40 to 40");
  }
  result.nice = limits.nice;
  if (limits.cpus == nullptr && limits.cpu_count != 0) {
    return invalid("limits.cpus is NULL but limits.cpu_count is not 0");
  }
  if (limits.cpus != nullptr) result.cpus.assign(limits.cpus, limits.cpus + limits.cpu_count);
  return result;
}

Result<std::vector<std::string>> read_environment(const char* const* env) {
  std::vector<std::string> entries;
  for (; env != nullptr && *env != nullptr; ++env) {
    const char* equals = std::strchr(*env, '=');
    if (equals == nullptr || equals == *env) {
      return invalid("env has the entry \"" + std::string(*env) + "\"; write NAME=value");
    }
    entries.emplace_back(*env);
  }
  return entries;
}

Result<std::vector<std::string>> read_command(const char* const* command) {
  std::vector<std::string> arguments;
  if (command == nullptr) return arguments;
  for (; *command != nullptr; ++command) arguments.emplace_back(*command);
  if (arguments.empty() || arguments[0].empty()) {
    return invalid("command is empty; give the program first, then its arguments, then NULL");
  }
  return arguments;
}

std::vector<std::string> merge_environment(std::vector<std::string> base,
                                           const std::vector<std::string>& added) {
  for (const std::string& entry : added) {
    const std::string_view name(entry.data(), entry.find('=') + 1);
    std::erase_if(base, [&](const std::string& old) { return old.starts_with(name); });
    base.push_back(entry);
  }
  return base;
}

Result<ChildRequest> worker_program(Runtime& runtime, const char* const* command,
                                    const char* const* env, const char* cwd,
                                    const brood_limits& limits) {
  ChildRequest request;
  BROOD_LET(arguments, read_command(command));
  request.command = arguments.empty() ? runtime.command() : arguments;
  BROOD_LET(added, read_environment(env));
  request.environment = merge_environment(platform::environment(), added);
  if (cwd != nullptr && *cwd == 0) return invalid("cwd is empty; give a folder, or NULL");
  if (cwd != nullptr) request.cwd = cwd;
  BROOD_LET(child_limits, read_limits(limits));
  request.limits = child_limits;
  return request;
}

}  // namespace brood::api
