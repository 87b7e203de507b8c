// brood-nursery: starts, keeps and ends the children of one host, so that the host needs no child,
// no signal handler and no fork of its own. It ends with its host, and everything below it too.
#include <string>
#include <utility>

#include "nursery/family.hpp"
#include "platform/platform.hpp"

namespace {

constexpr int kHostFd = 3;

void say(const std::string& text) {
  (void)brood::platform::write_some(2, text.data(), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace brood;
  const auto first = platform::peek_packet(kHostFd);
  if (argc != 1 || (!first && first.error().code() == Code::Invalid)) {
    say("brood-nursery is started by libbrood, not by hand\n");
    return 2;
  }
  if (auto leading = platform::lead_family(); !leading) {
    say("brood-nursery: " + leading.error().message() + "\n");
    return 1;
  }
  // Made anew, so that it is close-on-exec.
  auto host = platform::duplicate(kHostFd);
  platform::FdTraits::close(kHostFd);
  if (!host) return 1;
  // The host starts it by its full path.
  const std::string path = argv[0];
  Family family(std::move(*host), path.substr(0, path.find_last_of('/') + 1) + "brood-keeper");
  const auto ended = family.run();
  if (!ended) say("brood-nursery: " + ended.error().message() + "\n");
  return 1;
}
