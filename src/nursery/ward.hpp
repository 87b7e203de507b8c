// One child of the host's, through its keeper. Owned by the family; lives until the keeper has
// ended and libuv has let go of the handles.
#pragma once

#include <uv.h>

#include <vector>

#include "platform/platform.hpp"
#include "process/protocol.hpp"

namespace brood {

class Family;

class Ward {
 public:
  Ward(Family& family, const protocol::Request& request);
  Ward(const Ward&) = delete;
  Ward& operator=(const Ward&) = delete;

  // Starts the keeper. Whatever comes of it is reported to the host.
  void start(const protocol::Request& request, std::vector<platform::Fd> fds);
  void signal(int32_t signal_number);
  void kill();

 private:
  int spawn_keeper(const protocol::Request& request, const std::vector<platform::Fd>& fds,
                   int control);
  void take_reports();
  void take(const KeeperReport& report);
  void watch_child(int64_t pid);
  void on_child_exit();
  void end_lost_child();
  void report_lost();
  void on_keeper_exit(int64_t exit_status, int term_signal);
  void command(CommandKind kind, int32_t signal_number);
  void fail(SpawnStep step, int32_t os_code);
  void close();

  Family& family_;
  const uint64_t child_;
  const uint32_t member_;
  uv_process_t keeper_{};
  uv_poll_t control_poll_{};
  uv_poll_t child_poll_{};
  uv_timer_t patience_{};
  platform::Fd control_;
  platform::Fd child_process_;
  std::vector<uv_handle_t*> open_handles_;
  size_t closing_ = 0;
  bool started_ = false;
  bool finished_ = false;  // Failed or Died was sent
  bool keeper_lost_ = false;
  bool child_watched_ = false;
  bool child_ended_ = false;
  bool kill_asked_ = false;
  int64_t child_pid_ = 0;
};

}  // namespace brood
