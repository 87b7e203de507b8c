// Publishing and looking up names: rendezvous.h.
#include "api/pipe_handles.hpp"
#include "rendezvous/lookup.hpp"
#include "rendezvous/meeting_place.hpp"

using namespace brood;
using namespace brood::api;

namespace {

Result<std::string_view> read_published_name(const char* name) {
  BROOD_LET(read, read_name(name, "name"));
  if (read.size() > kMostPublishedName) {
    return invalid("name has " + std::to_string(read.size()) + " bytes; give at most " +
                   std::to_string(kMostPublishedName));
  }
  return read;
}

Result<std::span<const std::byte>> read_token(const void* token, size_t size) {
  if (size > wire::kMostToken) {
    return invalid("the token has " + std::to_string(size) + " bytes; give at most " +
                   std::to_string(wire::kMostToken));
  }
  return read_bytes(token, size);
}

Result<uint64_t> read_most_bytes(uint64_t given) {
  if (given > wire::kMostMessage) {
    return invalid("max_message_bytes is " + std::to_string(given) + "; give at most " +
                   std::to_string(wire::kMostMessage));
  }
  return given == 0 ? wire::kMostMessage : given;
}

}  // namespace

extern "C" {

brood_status brood_publish(const char* name, const brood_publish_options* options,
                           brood_publication** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(published, read_published_name(name));
    BROOD_LET(given, read_options(options, "brood_publish_options"));
    BROOD_LET(token, read_token(given.token, given.token_size));
    BROOD_LET(most_bytes, read_most_bytes(given.max_message_bytes));
    Admission admission{{token.begin(), token.end()}, given.any_user, most_bytes};
    BROOD_LET(made, Publication::open(runtime->household(), published, std::move(admission)));
    *out = to_c(made);
    return {};
  });
}

brood_status brood_publication_accept(brood_publication* publication, int64_t timeout_ms,
                                      brood_cancel* cancel, brood_pipe** out, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(publication);
    BROOD_NEED(out);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(end, from_c(publication)->accept(deadline, token(cancel)));
    *out = new ForeignPipe(end);
    return {};
  });
}

void brood_publication_free(brood_publication* publication) { give_back(from_c(publication)); }

brood_handle* brood_publication_handle(brood_publication* publication) {
  return publication != nullptr ? up(from_c(publication)) : nullptr;
}

brood_status brood_lookup(const char* name, const brood_lookup_options* options, int64_t timeout_ms,
                          brood_cancel* cancel, brood_pipe** out, brood_error** error) {
  return guard_patiently(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(published, read_published_name(name));
    BROOD_LET(given, read_options(options, "brood_lookup_options"));
    BROOD_LET(shown, read_token(given.token, given.token_size));
    BROOD_LET(most_bytes, read_most_bytes(given.max_message_bytes));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    const uint32_t user = given.other_user ? given.user : platform::effective_user();
    BROOD_LET(end, look_up(runtime->household(), published, {shown, user, most_bytes}, deadline,
                           token(cancel)));
    *out = new ForeignPipe(end);
    return {};
  });
}

brood_status brood_pipe_peer(brood_pipe* pipe, int64_t* out_pid, uint32_t* out_user,
                             brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(pipe);
    if (pipe->foreign == nullptr) {
      return Error(Code::State, "the pipe is within the family: any process may hold its ends");
    }
    if (out_pid != nullptr) *out_pid = pipe->foreign->peer().pid;
    if (out_user != nullptr) *out_user = pipe->foreign->peer().user;
    return {};
  });
}

}  // extern "C"
