// The connection to one nursery process, and the children that are its wards.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "loop/loop.hpp"
#include "platform/platform.hpp"
#include "process/nursery.hpp"
#include "process/protocol.hpp"

namespace brood {

// A nursery that was started and greeted, and that nobody listens to yet.
struct LaunchedNursery {
  // Starts `program`, with its first packet already waiting for it.
  static Result<LaunchedNursery> launch(std::string program, Membership membership);

  std::string program;
  platform::Detached detached;  // before the socket, whose closing ends it
  platform::Fd socket;
  platform::Fd trees;
  uint64_t world = 0;  // Identity::world of that moment
};

class NurseryLink : public std::enable_shared_from_this<NurseryLink> {
 public:
  static std::shared_ptr<NurseryLink> start(Loop& loop, Membership membership,
                                            LaunchedNursery launched);
  NurseryLink(Loop& loop, Membership membership, LaunchedNursery launched);

  uint64_t world() const { return world_; }
  bool lost() const;
  // Lost or closed, and every child is reported.
  bool finished() const;
  int64_t pid() const;

  // Any thread. Closed when the nursery is gone: nothing was registered then.
  Result<uint64_t> spawn(protocol::Request request, const std::vector<int>& fds,
                         std::vector<std::string> names, std::shared_ptr<ChildEvents> events);
  Status signal_child(uint64_t child, int signal_number);
  void kill_child(uint64_t child);
  int64_t child_pid(uint64_t child) const;

  // No more children will be asked for: the link closes when the last one is gone.
  void retire();
  // Loop thread: closes now, and the nursery ends everything. Nothing is reported any more.
  void close();

 private:
  struct Ward {
    std::shared_ptr<ChildEvents> events;
    std::vector<std::string> names;  // program and folder, for error messages
    int64_t pid = 0;
    bool died = false;
  };
  struct Outgoing {
    std::vector<std::byte> bytes;
    std::vector<platform::Fd> fds;
  };

  void open();
  Status send(const protocol::Request& request, const std::vector<int>& fds);
  void update_watch();
  void on_socket(Readiness readiness);
  void flush();
  void receive();
  void take(const protocol::Report& report);
  void forget(uint64_t child);
  void lose(const Error& why);
  void on_trees_gone();

  Loop& loop_;
  const Membership membership_;
  const std::string program_;
  const uint64_t world_;
  platform::Detached detached_;

  mutable std::mutex mutex_;  // guards what follows
  platform::Fd socket_;
  platform::Fd trees_;  // ends when nothing that this nursery started is left
  std::deque<Outgoing> unsent_;
  std::unordered_map<uint64_t, Ward> wards_;
  uint64_t last_child_ = 0;
  int64_t pid_ = 0;
  bool lost_ = false;
  std::optional<Error> why_lost_;
  bool retired_ = false;

  // Loop thread only.
  std::unique_ptr<Watch> socket_watch_;
  std::unique_ptr<Watch> trees_watch_;
};

}  // namespace brood
