#include "nursery/family.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

#include "nursery/linux/tree.hpp"
#include "nursery/memory_kills.hpp"
#include "shm/reaper.hpp"

namespace brood {

namespace {

constexpr uint64_t kOrphanRound_ms = 5;
// Starting one costs as much as starting its ward; one that waits costs 300 KiB.
constexpr size_t kMostIdleKeepers = 2;
// Only where the system has no pidfd: how often to look whether the host lives.
constexpr uint64_t kHostRound_ms = 250;

// For tree::signal_children(), which takes a plain function.
Family* the_family = nullptr;

}  // namespace

Family::Family(platform::Fd host, std::string keeper)
    : host_(std::move(host)), keeper_(std::move(keeper)), memory_kills_(count_memory_kills()) {}

Status Family::run() {
  auto null = platform::open_null();
  if (!null) return null.error();
  null_ = std::move(*null);
  int failed = uv_loop_init(&loop_);
  if (failed == 0) failed = uv_poll_init(&loop_, &host_poll_, host_.get());
  if (failed == 0) failed = uv_timer_init(&loop_, &host_timer_);
  if (failed == 0) failed = uv_timer_init(&loop_, &orphan_timer_);
  if (failed != 0) return Error::os("cannot make an event loop", -failed);
  host_poll_.data = host_process_poll_.data = host_timer_.data = orphan_timer_.data = this;
  watch_host();
  uv_run(&loop_, UV_RUN_DEFAULT);
  return {};
}

void Family::watch_host() {
  const int events = UV_READABLE | (unsent_.empty() ? 0 : UV_WRITABLE);
  uv_poll_start(&host_poll_, events, [](uv_poll_t* handle, int, int ready) noexcept {
    auto& family = *static_cast<Family*>(handle->data);
    if (ready & UV_WRITABLE) family.flush();
    family.receive();
  });
}

void Family::receive() {
  for (;;) {
    auto packet = platform::receive_packet(host_.get(), Deadline::after_ms(0));
    if (!packet && packet.error().code() == Code::Timeout) return;
    // Closed, or broken beyond repair: without a host there is no reason to be.
    if (!packet) end_everything();
    auto request = protocol::decode_request(packet->bytes);
    if (!request) {
      // The host reads this nursery's version from it.
      protocol::Report ready;
      ready.pid = platform::process_id();
      send(ready);
      end_everything();
    }
    take(*request, std::move(*packet));
  }
}

void Family::take(const protocol::Request& request, platform::Packet packet) {
  const auto ward = wards_.find(request.child);
  if (request.kind == protocol::RequestKind::Signal && ward != wards_.end()) {
    return ward->second->signal(request.signal);
  }
  if (request.kind == protocol::RequestKind::Kill && ward != wards_.end()) {
    return ward->second->kill();
  }
  const bool complete = !packet.fds_lost && packet.fds.size() == protocol::fd_count(request);
  if (request.kind == protocol::RequestKind::Hello) {
    if (!complete || trees_) end_everything();
    return greet(request, std::move(packet.fds));
  }
  if (request.kind != protocol::RequestKind::Spawn || ward != wards_.end()) return;
  if (!complete || !trees_) {
    protocol::Report failed;
    failed.kind = protocol::ReportKind::Failed;
    failed.child = request.child;
    failed.step = SpawnStep::Files;
    failed.os_code = packet.fds_lost ? EMFILE : EPROTO;
    return send(failed);
  }
  Ward& added =
      *wards_.emplace(request.child, std::make_unique<Ward>(*this, request)).first->second;
  added.start(request, packet.fds);
}

void Family::greet(const protocol::Request& request, std::vector<platform::Fd> fds) {
  auto next = fds.begin();
  trees_ = std::move(*next++);
  if (request.has_host) host_process_ = std::move(*next++);
  if (request.has_arena) {
    // Without it the host reaps.
    auto arena = Arena::attach(std::move(*next++));
    if (arena) join_members(std::move(*arena), static_cast<MemberSlot>(request.member));
  }
  host_pid_ = request.host_pid;
  host_start_time_ = request.host_start_time;
  // End of file is not enough: a child that the host forked without exec holds the other end too.
  if (host_process_ && uv_poll_init(&loop_, &host_process_poll_, host_process_.get()) == 0) {
    uv_poll_start(&host_process_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) noexcept {
      static_cast<Family*>(handle->data)->end_everything();
    });
  } else {
    const auto look = [](uv_timer_t* timer) noexcept {
      auto& family = *static_cast<Family*>(timer->data);
      if (!platform::process_alive(family.host_pid_, family.host_start_time_)) {
        family.end_everything();
      }
    };
    uv_timer_start(&host_timer_, look, kHostRound_ms, kHostRound_ms);
  }
  protocol::Report ready;
  ready.pid = platform::process_id();
  send(ready);
  // A host starts its nursery when it wants a child: its keeper gets ready while the host still
  // prepares the order. Should it fail, the order will tell.
  bool fresh = false;
  int failed = 0;
  if (KeeperProcess* keeper = take_keeper(fresh, failed)) return_keeper(keeper);
}

void Family::join_members(std::unique_ptr<Arena> arena, MemberSlot host) {
  Members& members = arena->members();
  if (host == kNobody || host >= members.used()) return;
  const Result<MemberId> me = members.reserve(host);
  if (!me) return;
  const int64_t pid = platform::process_id();
  if (!members.join(*me, pid, platform::process_start_time(pid))) return;
  me_ = *me;
  arena_ = std::move(arena);
}

void Family::send(const protocol::Report& report) {
  unsent_.push_back(protocol::encode(report));
  flush();
}

void Family::flush() {
  while (!unsent_.empty()) {
    const auto sent =
        platform::send_packet(host_.get(), unsent_.front(), {}, Deadline::after_ms(0));
    if (sent.code() == Code::Timeout) break;
    // Any other failure is the host's end, which receive() hears of.
    unsent_.pop_front();
  }
  const bool waiting = !unsent_.empty();
  if (std::exchange(waits_to_send_, waiting) != waiting) watch_host();
}

KeeperProcess* Family::take_keeper(bool& fresh, int& failed) {
  fresh = idle_keepers_.empty();
  if (!fresh) {
    KeeperProcess* keeper = idle_keepers_.back();
    idle_keepers_.pop_back();
    return keeper;
  }
  auto made = std::make_unique<KeeperProcess>(*this);
  KeeperProcess* keeper = made.get();
  keepers_.emplace(keeper, std::move(made));
  failed = keeper->start();
  if (failed != 0) return nullptr;
  keeper_pids_.insert(keeper->pid());
  return keeper;
}

void Family::return_keeper(KeeperProcess* keeper) {
  if (idle_keepers_.size() >= kMostIdleKeepers) return keeper->dismiss();
  idle_keepers_.push_back(keeper);
}

void Family::remove_keeper(KeeperProcess* keeper) {
  keeper_pids_.erase(keeper->pid());
  std::erase(idle_keepers_, keeper);
}

bool Family::killed_for_memory() {
  const uint64_t before = std::exchange(memory_kills_, count_memory_kills());
  return memory_kills_ > before;
}

void Family::on_member_death(uint32_t member) {
  if (!arena_ || !arena_->members().exists(static_cast<MemberSlot>(member))) return;
  // The slot cannot be another's yet: the host gives it out again only after it has heard of this
  // death.
  (void)reap(*arena_, arena_->members().id(static_cast<MemberSlot>(member)), me_.slot);
}

void Family::on_tree_gone() {
  if (arena_) reap_unseen(*arena_, me_.slot);
}

void Family::adopt_tree(uint64_t child) {
  if (child != 0) adopted_.push_back(child);
  const auto round = [](uv_timer_t* timer) noexcept {
    static_cast<Family*>(timer->data)->end_orphans();
  };
  uv_timer_start(&orphan_timer_, round, 0, kOrphanRound_ms);
}

// Everything below that is no keeper was adopted from a lost one.
void Family::end_orphans() {
  the_family = this;
  const auto is_keeper = [](pid_t pid) { return the_family->is_keeper(pid); };
  const int hit = tree::signal_children(SIGKILL, is_keeper);
  // libuv waits for the keepers, so those that have ended are left for it; until it has, they hide
  // others.
  if (!tree::reap_others(is_keeper) || hit != 0) return;
  uv_timer_stop(&orphan_timer_);
  memory_groups_.remove_left();
  on_tree_gone();
  for (uint64_t child : std::exchange(adopted_, {})) {
    protocol::Report gone;
    gone.kind = protocol::ReportKind::TreeGone;
    gone.child = child;
    send(gone);
  }
}

void Family::end_everything() {
  // Keepers too: it is quicker to end their trees here, in one go.
  tree::end_all({nullptr, nullptr}, 0);
  memory_groups_.remove_left();
  // The last that this one does with the arena.
  if (arena_) arena_->members().mark_dead(me_);
  platform::exit_now(0);
}

}  // namespace brood
