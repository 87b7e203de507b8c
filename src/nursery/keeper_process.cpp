#include "nursery/keeper_process.hpp"

#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "nursery/family.hpp"
#include "nursery/ward.hpp"

namespace brood {

namespace {

template <class Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

}  // namespace

KeeperProcess::KeeperProcess(Family& family) : family_(family) {
  process_.data = control_poll_.data = this;
}

int KeeperProcess::start() {
  auto sockets = platform::make_socket_pair();
  if (!sockets) {
    const int failed = sockets.error().record().os_code;
    close();
    return failed;
  }
  control_ = std::move(sockets->first);
  int failed = spawn(sockets->second.get());
  // Also after a failure libuv holds the handle until it is closed.
  open_handles_.push_back(base(&process_));
  if (failed != 0) {
    close();
    return -failed;
  }
  failed = uv_poll_init(family_.loop(), &control_poll_, control_.get());
  if (failed != 0) {
    // A keeper that cannot be heard is no use; its exit does the rest.
    control_.reset();
    return -failed;
  }
  open_handles_.push_back(base(&control_poll_));
  uv_poll_start(&control_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) noexcept {
    static_cast<KeeperProcess*>(handle->data)->take_reports();
  });
  return 0;
}

int KeeperProcess::spawn(int control) {
  uv_stdio_container_t places[5] = {};
  for (int i = 0; i < 3; ++i) places[i].flags = UV_IGNORE;
  const auto inherit = [&places](int at, int fd) {
    places[at].flags = UV_INHERIT_FD;
    places[at].data.fd = fd;
  };
  inherit(kKeeperControlFd, control);
  inherit(kKeeperTreesFd, family_.trees_fd());
  std::string name = "brood-keeper";
  std::string nursery = std::to_string(platform::process_id());
  char* arguments[] = {name.data(), nursery.data(), nullptr};
  char* environment[] = {nullptr};
  uv_process_options_t options = {};
  options.file = family_.keeper().c_str();
  options.args = arguments;
  options.env = environment;
  options.stdio = places;
  options.stdio_count = 5;
  options.exit_cb = [](uv_process_t* process, int64_t exit_status, int term_signal) noexcept {
    static_cast<KeeperProcess*>(process->data)->on_exit(exit_status, term_signal);
  };
  return uv_spawn(family_.loop(), &process_, &options);
}

Status KeeperProcess::order(std::span<const std::byte> order, std::span<const int> fds,
                            bool has_group) {
  const KeeperCommand start = {kOrderMagic, CommandKind::Start, 0, has_group ? kStartHasGroup : 0};
  std::vector<std::byte> packet(sizeof start + order.size());
  std::memcpy(packet.data(), &start, sizeof start);
  if (!order.empty()) std::memcpy(packet.data() + sizeof start, order.data(), order.size());
  return platform::send_packet(control_.get(), packet, fds, Deadline::after_ms(0));
}

Status KeeperProcess::command(CommandKind kind, int32_t signal_number) {
  const KeeperCommand command = {kOrderMagic, kind, signal_number, 0};
  return platform::send_packet(control_.get(), std::as_bytes(std::span(&command, 1)), {},
                               Deadline::after_ms(0));
}

void KeeperProcess::take_reports() {
  for (;;) {
    auto packet = platform::receive_packet(control_.get(), Deadline::after_ms(0));
    if (!packet) {
      if (packet.error().code() != Code::Timeout) uv_poll_stop(&control_poll_);
      return;
    }
    KeeperReport report;
    if (packet->bytes.size() != sizeof report) continue;
    std::memcpy(&report, packet->bytes.data(), sizeof report);
    if (report.magic == kOrderMagic && ward_) ward_->take(report);
  }
}

void KeeperProcess::dismiss() {
  if (!command(CommandKind::End, 0)) (void)platform::send_signal(pid(), SIGKILL);
}

void KeeperProcess::on_exit(int64_t exit_status, int term_signal) {
  // What it said last may not have been read yet.
  if (open_handles_.size() > 1) take_reports();
  family_.remove_keeper(this);
  if (Ward* ward = std::exchange(ward_, nullptr)) {
    ward->on_keeper_exit(term_signal == 0 && exit_status == 0);
  }
  close();
}

void KeeperProcess::close() {
  closing_ = open_handles_.size();
  if (closing_ == 0) return family_.forget(this);
  for (uv_handle_t* handle : open_handles_) {
    uv_close(handle, [](uv_handle_t* closed) {
      auto* keeper = static_cast<KeeperProcess*>(closed->data);
      // The last one destroys the keeper.
      if (--keeper->closing_ == 0) keeper->family_.forget(keeper);
    });
  }
}

}  // namespace brood
