/**
 * @file
 * Rendezvous: pipes between unrelated programs of one machine.
 */
#ifndef BROOD_CPP_RENDEZVOUS_HPP
#define BROOD_CPP_RENDEZVOUS_HPP

#include <brood/rendezvous.h>

#include <brood/cpp/pipe.hpp>
#include <string>

namespace brood {
inline namespace v0 {

struct PublishOptions {
  Bytes token = {};
  bool any_user = false;
  uint64_t max_message_bytes = 0;
};

struct LookupOptions {
  Bytes token = {};
  std::optional<uint32_t> user = {};  // nothing: this process's own
  uint64_t max_message_bytes = 0;
};

/** A name under which other programs find this one, until it goes. */
class Publication {
 public:
  explicit Publication(const std::string& name, const PublishOptions& options = {}) {
    brood_publish_options c = BROOD_PUBLISH_OPTIONS_INIT;
    c.token = options.token.data();
    c.token_size = options.token.size();
    c.any_user = options.any_user;
    c.max_message_bytes = options.max_message_bytes;
    brood_publication* made = nullptr;
    detail::check(
        [&](brood_error** error) { return brood_publish(name.c_str(), &c, &made, error); });
    publication_.reset(made);
  }

  /** The next visitor. */
  Pipe accept(Wait patience = {}) {
    brood_pipe* pipe = nullptr;
    detail::check([&](brood_error** error) {
      return brood_publication_accept(publication_.get(), patience.timeout_ms(), patience.cancel(),
                                      &pipe, error);
    });
    return Pipe(pipe);
  }

  brood_handle* handle() noexcept { return brood_publication_handle(publication_.get()); }
  brood_publication* get() const noexcept { return publication_.get(); }

 private:
  detail::Owned<brood_publication, brood_publication_free> publication_;
};

/** Visit the program that published the name. */
inline Pipe lookup(const std::string& name, Wait patience = {}, const LookupOptions& options = {}) {
  brood_lookup_options c = BROOD_LOOKUP_OPTIONS_INIT;
  c.token = options.token.data();
  c.token_size = options.token.size();
  c.other_user = options.user.has_value();
  c.user = options.user.value_or(0);
  c.max_message_bytes = options.max_message_bytes;
  brood_pipe* pipe = nullptr;
  detail::check([&](brood_error** error) {
    return brood_lookup(name.c_str(), &c, patience.timeout_ms(), patience.cancel(), &pipe, error);
  });
  return Pipe(pipe);
}

}  // namespace v0
}  // namespace brood
#endif
