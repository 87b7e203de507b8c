#include "nursery/ward.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include "nursery/family.hpp"

namespace brood {

namespace {

constexpr uint32_t kPlaceholderStreams = 3;
// How long after a child's end its keeper may take to say so. One that somebody stopped never does.
constexpr uint64_t kKeeperPatience_ms = 250;

template <class Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

std::span<const std::byte> bytes_of(const KeeperCommand& command) {
  return std::as_bytes(std::span(&command, 1));
}

}  // namespace

Ward::Ward(Family& family, const protocol::Request& request)
    : family_(family), child_(request.child), member_(request.member) {
  keeper_.data = control_poll_.data = child_poll_.data = patience_.data = this;
}

void Ward::start(const protocol::Request& request, std::vector<platform::Fd> fds) {
  auto sockets = platform::make_socket_pair();
  if (!sockets) {
    fail(SpawnStep::Keeper, sockets.error().record().os_code);
    return family_.forget(child_, 0);
  }
  control_ = std::move(sockets->first);
  const int spawned = spawn_keeper(request, fds, sockets->second.get());
  // Also after a failure libuv holds the handle until it is closed.
  open_handles_.push_back(base(&keeper_));
  if (spawned != 0) {
    fail(SpawnStep::Keeper, -spawned);
    return close();
  }
  family_.add_keeper(keeper_.pid);
  const int watched = uv_poll_init(family_.loop(), &control_poll_, control_.get());
  if (watched != 0) {
    // A keeper that cannot be heard is no use; its exit does the rest.
    fail(SpawnStep::Keeper, -watched);
    return kill();
  }
  open_handles_.push_back(base(&control_poll_));
  uv_poll_start(&control_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) noexcept {
    static_cast<Ward*>(handle->data)->take_reports();
  });
}

int Ward::spawn_keeper(const protocol::Request& request, const std::vector<platform::Fd>& fds,
                       int control) {
  // Every stream goes in above 2: libuv would clear O_NONBLOCK on the host's own otherwise.
  std::vector<uv_stdio_container_t> places(kPlaceholderStreams);
  for (auto& place : places) place.flags = UV_IGNORE;
  const auto add = [&](int fd) {
    uv_stdio_container_t place;
    place.flags = UV_INHERIT_FD;
    place.data.fd = fd;
    places.push_back(place);
  };
  auto next = fds.begin();
  const int order = (next++)->get();
  const int folder = request.has_folder ? (next++)->get() : family_.null_fd();
  add(control);
  add(order);
  add(family_.trees_fd());
  for (bool has : request.has_stream) add(has ? (next++)->get() : family_.null_fd());
  add(folder);
  for (; next != fds.end(); ++next) add(next->get());

  std::string name = "brood-keeper";
  std::string nursery = std::to_string(platform::process_id());
  char* arguments[] = {name.data(), nursery.data(), nullptr};
  char* environment[] = {nullptr};
  uv_process_options_t options = {};
  options.file = family_.keeper().c_str();
  options.args = arguments;
  options.env = environment;
  options.stdio = places.data();
  options.stdio_count = static_cast<int>(places.size());
  options.exit_cb = [](uv_process_t* process, int64_t exit_status, int term_signal) noexcept {
    static_cast<Ward*>(process->data)->on_keeper_exit(exit_status, term_signal);
  };
  return uv_spawn(family_.loop(), &keeper_, &options);
}

void Ward::signal(int32_t signal_number) { command(CommandKind::Signal, signal_number); }

void Ward::kill() {
  kill_asked_ = true;
  command(CommandKind::Kill, 0);
}

void Ward::command(CommandKind kind, int32_t signal_number) {
  if (!control_) return;
  const KeeperCommand command = {kOrderMagic, kind, signal_number, 0};
  const auto sent =
      platform::send_packet(control_.get(), bytes_of(command), {}, Deadline::after_ms(0));
  if (kind == CommandKind::Kill && keeper_.pid > 0) {
    // A keeper that somebody stopped must go on to do it; one that takes no commands is lost.
    (void)platform::send_signal(keeper_.pid, sent ? SIGCONT : SIGKILL);
  }
}

void Ward::take_reports() {
  for (;;) {
    auto packet = platform::receive_packet(control_.get(), Deadline::after_ms(0));
    if (!packet) {
      if (packet.error().code() != Code::Timeout) uv_poll_stop(&control_poll_);
      return;
    }
    KeeperReport report;
    if (packet->bytes.size() != sizeof report) continue;
    std::memcpy(&report, packet->bytes.data(), sizeof report);
    if (report.magic == kOrderMagic) take(report);
  }
}

void Ward::take(const KeeperReport& report) {
  if (finished_) return;
  switch (report.kind) {
    case KeeperReportKind::Started: {
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
      return fail(report.step, report.os_code);
    case KeeperReportKind::Died: {
      finished_ = true;
      if (member_ != 0) family_.on_member_death(member_);
      protocol::Report died;
      died.kind = protocol::ReportKind::Died;
      died.child = child_;
      died.exit_code = report.exit_code;
      died.signal = report.signal;
      died.out_of_memory = report.signal == SIGKILL && !kill_asked_ && family_.killed_for_memory();
      died.usage = {report.user_us, report.system_us, report.max_resident_bytes,
                    report.minor_faults, report.major_faults};
      return family_.send(died);
    }
  }
}

// Beside the keeper's word, so that a keeper which cannot speak does not hide a death.
void Ward::watch_child(int64_t pid) {
  auto process = platform::open_process(pid);
  if (!process) return;
  child_process_ = std::move(*process);
  if (uv_poll_init(family_.loop(), &child_poll_, child_process_.get()) != 0) return;
  child_watched_ = true;
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
  child_ended_ = true;
  if (keeper_lost_) return report_lost();
  if (finished_) return;
  const auto too_late = [](uv_timer_t* timer) noexcept {
    auto* ward = static_cast<Ward*>(timer->data);
    if (!ward->finished_) (void)platform::send_signal(ward->keeper_.pid, SIGKILL);
  };
  uv_timer_start(&patience_, too_late, kKeeperPatience_ms, 0);
}

void Ward::on_keeper_exit(int64_t exit_status, int term_signal) {
  // What it said last may not have been read yet.
  if (open_handles_.size() > 1) take_reports();
  const bool orderly = term_signal == 0 && exit_status == 0;
  if (!finished_ && !started_) {
    fail(SpawnStep::Keeper, ESRCH);
    family_.adopt_tree(0);
  } else if (!finished_) {
    return end_lost_child();
  } else if (started_ && orderly) {
    protocol::Report gone;
    gone.kind = protocol::ReportKind::TreeGone;
    gone.child = child_;
    family_.send(gone);
  } else if (started_) {
    family_.adopt_tree(child_);
  }
  close();
}

// The kernel kills the child of a dead keeper, and the nursery becomes its parent; it is reported
// once it is dead for certain, since its share of the arena is reaped then.
void Ward::end_lost_child() {
  keeper_lost_ = true;
  (void)platform::send_signal(child_pid_, SIGKILL);
  if (!child_watched_ || child_ended_) report_lost();
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

void Ward::close() {
  closing_ = open_handles_.size();
  for (uv_handle_t* handle : open_handles_) {
    uv_close(handle, [](uv_handle_t* closed) {
      auto* ward = static_cast<Ward*>(closed->data);
      // The last one destroys the ward.
      if (--ward->closing_ == 0) ward->family_.forget(ward->child_, ward->keeper_.pid);
    });
  }
}

}  // namespace brood
