#include "nursery/ward.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

#include "nursery/family.hpp"

namespace brood {

namespace {

// How long after a child's end its keeper may take to say so. One that somebody stopped never does.
constexpr uint64_t kKeeperPatience_ms = 250;

template <class Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

}  // namespace

Ward::Ward(Family& family, const protocol::Request& request)
    : family_(family), child_(request.child), member_(request.member) {
  child_poll_.data = patience_.data = this;
}

void Ward::start(const protocol::Request& request, const std::vector<platform::Fd>& fds) {
  if (request.memory_bytes != 0) group_ = family_.memory_groups().make(request.memory_bytes);
  // A keeper that waits may have been killed just now; a new one was not.
  for (bool fresh = false; !fresh;) {
    int failed = 0;
    keeper_ = family_.take_keeper(fresh, failed);
    if (!keeper_) {
      fail(SpawnStep::Keeper, failed);
      return close();
    }
    keeper_->serve(this);
    if (send_order(request, fds)) return;
    keeper_->serve(nullptr);
    (void)platform::send_signal(keeper_->pid(), SIGKILL);
    keeper_ = nullptr;
  }
  fail(SpawnStep::Keeper, ESRCH);
  close();
}

bool Ward::send_order(const protocol::Request& request, const std::vector<platform::Fd>& fds) {
  auto next = fds.begin();
  const int order_file = request.order.empty() ? (next++)->get() : -1;
  const int folder = request.has_folder ? (next++)->get() : family_.null_fd();
  std::vector<int> passed;
  passed.reserve(fds.size() + 5);
  for (bool has : request.has_stream) passed.push_back(has ? (next++)->get() : family_.null_fd());
  passed.push_back(folder);
  for (; next != fds.end(); ++next) passed.push_back(next->get());
  if (order_file >= 0) passed.push_back(order_file);
  if (group_) passed.push_back(group_->door());
  return keeper_->order(request.order, passed, group_ != nullptr).ok();
}

void Ward::signal(int32_t signal_number) { command(CommandKind::Signal, signal_number); }

void Ward::kill() {
  kill_asked_ = true;
  command(CommandKind::Kill, 0);
}

void Ward::command(CommandKind kind, int32_t signal_number) {
  if (!keeper_) return;
  const auto sent = keeper_->command(kind, signal_number);
  if (kind == CommandKind::Kill) {
    // A keeper that somebody stopped must go on to do it; one that takes no commands is lost.
    (void)platform::send_signal(keeper_->pid(), sent ? SIGCONT : SIGKILL);
  }
}

void Ward::take(const KeeperReport& report) {
  switch (report.kind) {
    case KeeperReportKind::Started: {
      if (started_ || finished_) return;
      started_ = true;
      child_pid_ = report.pid;
      protocol::Report started;
      started.kind = protocol::ReportKind::Started;
      started.child = child_;
      started.pid = report.pid;
      family_.send(started);
      return watch_child(report.pid);
    }
    case KeeperReportKind::Failed:
      if (finished_) return;
      fail(report.step, report.os_code);
      leave_keeper();
      return close();
    case KeeperReportKind::Died:
      if (started_ && !finished_) take_death(report);
      return;
    case KeeperReportKind::TreeGone:
      if (!finished_) return;
      leave_keeper();
      return report_gone();
  }
}

void Ward::take_death(const KeeperReport& report) {
  finished_ = true;
  if (member_ != 0) family_.on_member_death(member_);
  protocol::Report died;
  died.kind = protocol::ReportKind::Died;
  died.child = child_;
  died.exit_code = report.exit_code;
  died.signal = report.signal;
  died.tree_gone = report.tree_gone != 0;
  died.out_of_memory = report.signal == SIGKILL && !kill_asked_ &&
                       ((group_ && group_->out_of_memory()) || family_.killed_for_memory());
  died.usage = {report.user_us, report.system_us, report.max_resident_bytes, report.minor_faults,
                report.major_faults};
  if (died.tree_gone) family_.on_tree_gone();
  family_.send(died);
  if (!died.tree_gone) return;
  leave_keeper();
  close();
}

// Beside the keeper's word, so that a keeper which cannot speak does not hide a death.
void Ward::watch_child(int64_t pid) {
  auto process = platform::open_process(pid);
  if (!process) return;
  child_process_ = std::move(*process);
  if (uv_poll_init(family_.loop(), &child_poll_, child_process_.get()) != 0) return;
  open_handles_.push_back(base(&child_poll_));
  uv_timer_init(family_.loop(), &patience_);
  open_handles_.push_back(base(&patience_));
  uv_poll_start(&child_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) noexcept {
    static_cast<Ward*>(handle->data)->on_child_exit();
  });
}

void Ward::on_child_exit() {
  // The fd stays open as long as the handle: libuv forgets its number once more when the handle is
  // closed, which must not be another ward's by then.
  uv_poll_stop(&child_poll_);
  child_gone_ = true;
  if (keeper_lost_) return report_lost();
  if (finished_) return;
  const auto too_late = [](uv_timer_t* timer) noexcept {
    auto* ward = static_cast<Ward*>(timer->data);
    if (ward->finished_ || !ward->keeper_) return;
    (void)platform::send_signal(ward->keeper_->pid(), SIGKILL);
  };
  uv_timer_start(&patience_, too_late, kKeeperPatience_ms, 0);
}

void Ward::on_keeper_exit(bool orderly) {
  keeper_ = nullptr;
  if (!finished_ && !started_) {
    fail(SpawnStep::Keeper, ESRCH);
    family_.adopt_tree(0);
    return close();
  }
  if (!finished_) return end_lost_child();
  if (orderly) return report_gone();
  family_.adopt_tree(child_);
  close();
}

// The kernel kills the child of a dead keeper, and the nursery becomes its parent; it is reported
// once it is dead for certain, since its share of the arena is reaped then.
void Ward::end_lost_child() {
  keeper_lost_ = true;
  (void)platform::send_signal(child_pid_, SIGKILL);
  if (open_handles_.empty() || child_gone_) report_lost();
}

void Ward::report_lost() {
  finished_ = true;
  if (member_ != 0) family_.on_member_death(member_);
  protocol::Report died;
  died.kind = protocol::ReportKind::Died;
  died.child = child_;
  died.exit_code = -1;
  died.signal = SIGKILL;
  died.keeper_lost = true;
  family_.send(died);
  // What the child made was adopted by this process.
  family_.adopt_tree(child_);
  close();
}

void Ward::report_gone() {
  family_.on_tree_gone();
  protocol::Report gone;
  gone.kind = protocol::ReportKind::TreeGone;
  gone.child = child_;
  family_.send(gone);
  close();
}

void Ward::fail(SpawnStep step, int32_t os_code) {
  if (finished_) return;
  finished_ = true;
  protocol::Report failed;
  failed.kind = protocol::ReportKind::Failed;
  failed.child = child_;
  failed.step = step;
  failed.os_code = os_code > 0 ? os_code : EIO;
  family_.send(failed);
}

void Ward::leave_keeper() {
  keeper_->serve(nullptr);
  family_.return_keeper(std::exchange(keeper_, nullptr));
}

void Ward::close() {
  closing_ = open_handles_.size();
  if (closing_ == 0) return family_.forget(child_);
  for (uv_handle_t* handle : open_handles_) {
    uv_close(handle, [](uv_handle_t* closed) {
      auto* ward = static_cast<Ward*>(closed->data);
      // The last one destroys the ward.
      if (--ward->closing_ == 0) ward->family_.forget(ward->child_);
    });
  }
}

}  // namespace brood
