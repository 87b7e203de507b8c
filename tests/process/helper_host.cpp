// A program with children, to be killed by tests. Everything below it, and its nursery, holds its
// standard output: once that ends, nothing is left. Arguments: what kinds of children it has and
// what else it does. It writes a line with a pid for each process that matters, then "ready", and
// waits for ever.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "family.hpp"
#include "platform/platform.hpp"

using namespace brood;
using namespace brood::test;

namespace {

void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(1, text.data(), text.size()) < 0) _exit(3);
}

std::string script_of(const std::string& kind) {
  // Lines come from all of them at once; each is one write.
  const std::string sleeper = "sh -c 'echo $$; exec sleep 1000'";
  if (kind == "plain") return "exec " + sleeper;
  if (kind == "stubborn") return "trap '' TERM INT HUP; " + sleeper;
  if (kind == "session") return "setsid " + sleeper + " & wait";
  if (kind == "daemon") return "(setsid " + sleeper + " &) ; exec sleep 1000";
  if (kind == "busy") return "echo $$; while :; do :; done";
  // Each makes the next and ends: nobody can be named, but all hold the output.
  if (kind == "chain") return "echo $$; chain() { (chain &); }; chain; exec sleep 1000";
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  TestFamily family;
  int lines = 0;
  bool fork_without_exec = false;
  std::vector<Started> started;
  for (int i = 1; i < argc; ++i) {
    const std::string kind = argv[i];
    if (kind == "subreaper") prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (kind == "fork") fork_without_exec = true;
    const std::string script = script_of(kind);
    if (script.empty()) continue;
    ChildRequest request = shell(script);
    request.stdio[1] = 1;
    started.push_back(family.spawn(std::move(request)));
    ++lines;
  }
  for (auto& child : started) child.record->wait_started();
  if (fork_without_exec) {
    const pid_t forked = fork();
    if (forked == 0) {
      for (;;) pause();
    }
    say("forked " + std::to_string(forked));
  }
  if (!eventually([&] { return family.nursery().pid() != 0; })) return 1;
  say("nursery " + std::to_string(family.nursery().pid()));
  say("ready");
  for (;;) pause();
}
