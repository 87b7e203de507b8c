// One child of the host's, through its keeper. Owned by the family; lives until its tree is gone
// and libuv has let go of the handles.
#pragma once

#include <uv.h>

#include <vector>

#include "nursery/keeper_process.hpp"
#include "nursery/linux/memory_group.hpp"
#include "platform/platform.hpp"
#include "process/protocol.hpp"
#include "shm/members.hpp"

namespace brood {

class Family;

class Ward {
 public:
  Ward(Family& family, const protocol::Request& request);
  Ward(const Ward&) = delete;
  Ward& operator=(const Ward&) = delete;

  // Gives it to a keeper. Whatever comes of it is reported to the host.
  void start(const protocol::Request& request, const std::vector<platform::Fd>& fds);
  void signal(int32_t signal_number);
  void kill();
  // What its keeper says, and that its keeper has ended.
  void take(const KeeperReport& report);
  void on_keeper_exit(bool orderly);

 private:
  bool send_order(const protocol::Request& request, const std::vector<platform::Fd>& fds);
  void take_death(const KeeperReport& report);
  void watch_child(int64_t pid);
  void on_child_exit();
  void end_lost_child();
  void report_lost();
  void report_gone();
  void command(CommandKind kind, int32_t signal_number);
  void fail(SpawnStep step, int32_t os_code);
  void leave_keeper();
  // The last thing that is done: the ward may be gone when it returns.
  void close();

  Family& family_;
  const uint64_t child_;
  const uint32_t member_;
  KeeperProcess* keeper_ = nullptr;  // until the tree is gone, or it is
  uv_poll_t child_poll_{};
  uv_timer_t patience_{};
  std::unique_ptr<MemoryGroup> group_;  // none: without a limit, or where there can be none
  // Open as long as its handle: libuv would take a later fd with its number for it.
  platform::Fd child_process_;
  std::vector<uv_handle_t*> open_handles_;
  size_t closing_ = 0;
  bool started_ = false;
  bool finished_ = false;  // Failed or Died was sent
  bool keeper_lost_ = false;
  bool child_gone_ = false;
  bool kill_asked_ = false;
  int64_t child_pid_ = 0;
};

}  // namespace brood
