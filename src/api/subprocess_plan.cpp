#include "api/subprocess_plan.hpp"

#include "api/requests.hpp"

namespace brood::api {

namespace {

constexpr const char* kStreamNames[] = {"standard_input", "standard_output", "standard_error"};

Result<StreamPlan> read_stream(const brood_stdio& given, int number) {
  const std::string name = kStreamNames[number];
  StreamPlan plan;
  switch (given.kind) {
    case BROOD_STDIO_DEFAULT:
      plan.kind = number == 0 ? StreamKind::Null : StreamKind::Inherit;
      return plan;
    case BROOD_STDIO_INHERIT:
      return plan;
    case BROOD_STDIO_NULL:
      plan.kind = StreamKind::Null;
      return plan;
    case BROOD_STDIO_PIPE:
      plan.kind = StreamKind::Pipe;
      return plan;
    case BROOD_STDIO_FILE:
      if (given.path == nullptr || *given.path == 0) {
        return invalid(name + ".path is " + (given.path == nullptr ? "NULL" : "empty") +
                       "; BROOD_STDIO_FILE needs a file");
      }
      plan.kind = StreamKind::File;
      plan.path = given.path;
      plan.append = given.append;
      return plan;
    case BROOD_STDIO_LINES:
      if (number == 0) return invalid(name + " cannot be BROOD_STDIO_LINES: it is written to");
      if (given.on_line == nullptr) {
        return invalid(name + ".on_line is NULL; BROOD_STDIO_LINES calls it for each line");
      }
      plan.kind = StreamKind::Lines;
      plan.on_line = [on_line = given.on_line, context = given.context](std::string_view line) {
        on_line(line.data(), line.size(), context);
      };
      return plan;
    default:
      return invalid(name + ".kind is " + std::to_string(given.kind) +
                     "; give one of BROOD_STDIO_DEFAULT to BROOD_STDIO_LINES");
  }
}

}  // namespace

Result<SubprocessPlan> read_plan(const brood_process_options& options,
                                 std::vector<std::string> command) {
  SubprocessPlan plan;
  plan.request.command = std::move(command);
  BROOD_LET(added, read_environment(options.env));
  plan.request.environment = merge_environment(
      options.clear_env ? std::vector<std::string>() : platform::environment(), added);
  if (options.cwd != nullptr && *options.cwd == 0) {
    return invalid("cwd is empty; give a folder, or NULL");
  }
  if (options.cwd != nullptr) plan.request.cwd = options.cwd;
  BROOD_LET(limits, read_limits(options.limits));
  plan.request.limits = std::move(limits);
  const brood_stdio* streams[] = {&options.standard_input, &options.standard_output,
                                  &options.standard_error};
  for (int i = 0; i < 3; ++i) {
    BROOD_LET(stream, read_stream(*streams[i], i));
    plan.streams[static_cast<size_t>(i)] = std::move(stream);
  }
  plan.name = options.name != nullptr ? options.name : plan.request.command[0];
  plan.daemon = options.daemon;
  return plan;
}

}  // namespace brood::api
