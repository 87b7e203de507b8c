// One keeper, as the nursery sees it: a process that libuv waits for, and the socket to it. It has
// one ward at a time, and between two of them waits for the next. Owned by the family; lives until
// it has ended and libuv has let go of its handles.
#pragma once

#include <uv.h>

#include <span>
#include <vector>

#include "platform/platform.hpp"
#include "process/order.hpp"

namespace brood {

class Family;
class Ward;

class KeeperProcess {
 public:
  explicit KeeperProcess(Family& family);
  KeeperProcess(const KeeperProcess&) = delete;
  KeeperProcess& operator=(const KeeperProcess&) = delete;

  // 0, or errno: then it goes away by itself.
  int start();
  int64_t pid() const { return process_.pid; }
  // Who is told what it says; null between two wards.
  void serve(Ward* ward) { ward_ = ward; }

  // Closed when it is gone. `has_group`: the last fd is the door of a control group.
  Status order(std::span<const std::byte> order, std::span<const int> fds, bool has_group);
  Status command(CommandKind kind, int32_t signal_number);
  // Whatever it has said by now.
  void take_reports();
  // It is not needed any more, and ends.
  void dismiss();

 private:
  int spawn(int control);
  void on_exit(int64_t exit_status, int term_signal);
  void close();

  Family& family_;
  Ward* ward_ = nullptr;
  uv_process_t process_{};
  uv_poll_t control_poll_{};
  platform::Fd control_;
  std::vector<uv_handle_t*> open_handles_;
  size_t closing_ = 0;
};

}  // namespace brood
