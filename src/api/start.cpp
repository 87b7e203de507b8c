// A registered function in a process of its own: brood_process_start().
#include "api/requests.hpp"
#include "api/subprocess_plan.hpp"
#include "pool/solo.hpp"

using namespace brood;
using namespace brood::api;

namespace {

Status start(const char* function, const Solo::Argument& argument,
             const brood_process_options* given, brood_process** out) {
  BROOD_LET(runtime, Runtime::open());
  BROOD_NEED(out);
  BROOD_LET(name, read_name(function, "the function's name"));
  BROOD_LET(options, read_options(given, "brood_process_options"));
  BROOD_LET(command, read_command(options.command));
  BROOD_LET(plan, read_plan(options, command.empty() ? runtime->command() : command));
  if (options.name == nullptr) plan.name = name;
  BROOD_TRY(runtime->household().start());
  BROOD_LET(solo, Solo::create(runtime->household(), plan.name, std::string(name), argument));
  BROOD_LET(process, Subprocess::spawn(
                         runtime->household(), std::move(plan),
                         [solo](const ChildRequest& request, std::shared_ptr<ChildEvents> events) {
                           return solo->start(request, std::move(events));
                         }));
  solo->report_to(*process);
  runtime->children().add(process);
  *out = to_c(process);
  return {};
}

}  // namespace

extern "C" {

brood_status brood_process_start(const char* function, const void* data, size_t size,
                                 const brood_process_options* options, brood_process** out,
                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(bytes, read_bytes(data, size));
    return start(function, {bytes}, options, out);
  });
}

brood_status brood_process_start_msg(const char* function, brood_msg* args,
                                     const brood_process_options* options, brood_process** out,
                                     brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_NEED(args);
    Message& message = *from_c(args);
    BROOD_TRY(start(function,
                    {{message.data(), message.size()}, message.codec(), message.handles()}, options,
                    out));
    Message::Ptr(&message).reset();
    return {};
  });
}

}  // extern "C"
