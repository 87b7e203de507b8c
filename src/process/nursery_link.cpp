#include "process/nursery_link.hpp"

#include <utility>

#include "shm/reaper.hpp"

namespace brood {

namespace {

// What was tried when a child could not be made, on what.
std::string failure_text(SpawnStep step, const std::vector<std::string>& names,
                         const std::string& nursery) {
  const std::string& program = names[0];
  switch (step) {
    case SpawnStep::Keeper:
      return "cannot start the keeper beside '" + nursery + "' for '" + program + "'";
    case SpawnStep::Order:
      return "the keeper cannot read its order for '" + program + "'";
    case SpawnStep::Files:
      return "cannot hand the fds over to '" + program + "'";
    case SpawnStep::Folder:
      return "cannot enter the folder '" + names[1] + "' for '" + program + "'";
    case SpawnStep::Limits:
      return "cannot set the resource limits of '" + program + "'";
    case SpawnStep::Nice:
      return "cannot set the priority of '" + program + "'";
    case SpawnStep::Cpus:
      return "cannot set the CPUs of '" + program + "'";
    case SpawnStep::Privileges:
      return "cannot give up new privileges for '" + program + "'";
    case SpawnStep::Fork:
      return "cannot make a process for '" + program + "'";
    case SpawnStep::None:
    case SpawnStep::Exec:
      break;
  }
  return "cannot execute '" + program + "'";
}

}  // namespace

NurseryLink::NurseryLink(Loop& loop, Membership membership, LaunchedNursery launched)
    : loop_(loop),
      membership_(membership),
      program_(std::move(launched.program)),
      world_(launched.world),
      detached_(std::move(launched.detached)),
      socket_(std::move(launched.socket)),
      trees_(std::move(launched.trees)) {}

std::shared_ptr<NurseryLink> NurseryLink::start(Loop& loop, Membership membership,
                                                LaunchedNursery launched) {
  auto link = std::make_shared<NurseryLink>(loop, membership, std::move(launched));
  loop.post([link] { link->open(); });
  return link;
}

Result<LaunchedNursery> LaunchedNursery::launch(std::string program, Membership membership) {
  LaunchedNursery launched;
  // Before the start: should it change meanwhile, the next look finds that this one does not fit.
  launched.world = platform::current_identity().world;
  auto sockets = platform::make_socket_pair();
  if (!sockets) return sockets.error();
  auto trees = platform::make_pipe();
  if (!trees) return trees.error();
  protocol::Request hello;
  hello.host_pid = platform::process_id();
  hello.host_start_time = platform::process_start_time(hello.host_pid);
  std::vector<int> fds = {trees->second.get()};
  // Without pidfds the nursery looks for the pid instead.
  auto host = platform::open_process(hello.host_pid);
  if (host) fds.push_back(host->get());
  hello.has_host = host.ok();
  hello.has_arena = membership.arena != nullptr;
  if (hello.has_arena) fds.push_back(membership.arena->fd());
  if (hello.has_arena) hello.member = membership.me.slot;
  BROOD_TRY(platform::send_packet(sockets->first.get(), protocol::encode(hello), fds,
                                  Deadline::forever()));
  auto detached = platform::start_detached(program, {program}, sockets->second.get());
  if (!detached) return detached.error();
  launched.program = std::move(program);
  launched.detached = std::move(*detached);
  launched.socket = std::move(sockets->first);
  launched.trees = std::move(trees->first);
  return launched;
}

void NurseryLink::open() {
  const auto self = weak_from_this();
  auto watch = loop_.watch(socket_.get(), true, false, [self](Readiness readiness) {
    if (auto link = self.lock()) link->on_socket(readiness);
  });
  if (!watch) return lose(watch.error());
  socket_watch_ = std::move(*watch);
  update_watch();
}

bool NurseryLink::lost() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

bool NurseryLink::finished() const {
  std::lock_guard lock(mutex_);
  return lost_ && wards_.empty();
}

int64_t NurseryLink::pid() const {
  std::lock_guard lock(mutex_);
  return lost_ ? 0 : pid_;
}

// Sends at once if the nursery has room, otherwise when it has. The lock is held.
Status NurseryLink::send(const protocol::Request& request, const std::vector<int>& fds) {
  if (lost_ || !socket_) return Error(Code::Closed);
  auto bytes = protocol::encode(request);
  if (unsent_.empty()) {
    auto sent = platform::send_packet(socket_.get(), bytes, fds, Deadline::after_ms(0));
    if (sent.ok() || sent.code() != Code::Timeout) return sent;
  }
  Outgoing outgoing{std::move(bytes), {}};
  for (int fd : fds) {
    auto copy = platform::duplicate(fd);
    if (!copy) return copy.error();
    outgoing.fds.push_back(std::move(*copy));
  }
  unsent_.push_back(std::move(outgoing));
  loop_.post([link = shared_from_this()] { link->update_watch(); });
  return {};
}

Result<uint64_t> NurseryLink::spawn(protocol::Request request, const std::vector<int>& fds,
                                    std::vector<std::string> names,
                                    std::shared_ptr<ChildEvents> events) {
  std::lock_guard lock(mutex_);
  const uint64_t child = ++last_child_;
  request.kind = protocol::RequestKind::Spawn;
  request.child = child;
  // Registered first: the answer may be here before this returns.
  wards_.emplace(child, Ward{std::move(events), std::move(names)});
  if (auto sent = send(request, fds); !sent) {
    wards_.erase(child);
    return sent.error();
  }
  return child;
}

Status NurseryLink::signal_child(uint64_t child, int signal_number) {
  std::lock_guard lock(mutex_);
  const auto ward = wards_.find(child);
  if (ward == wards_.end() || ward->second.died) {
    return Error(Code::State, "the process has ended: there is nothing to signal");
  }
  protocol::Request request;
  request.kind = protocol::RequestKind::Signal;
  request.child = child;
  request.signal = signal_number;
  if (signal_number < 1 || signal_number > 64) {
    return Error(Code::Invalid, "a signal is 1 to 64, not " + std::to_string(signal_number));
  }
  return send(request, {});
}

void NurseryLink::kill_child(uint64_t child) {
  std::lock_guard lock(mutex_);
  if (!wards_.count(child)) return;
  protocol::Request request;
  request.kind = protocol::RequestKind::Kill;
  request.child = child;
  // A nursery that is gone has ended everything.
  (void)send(request, {});
}

int64_t NurseryLink::child_pid(uint64_t child) const {
  std::lock_guard lock(mutex_);
  const auto ward = wards_.find(child);
  return ward == wards_.end() ? 0 : ward->second.pid;
}

void NurseryLink::retire() {
  {
    std::lock_guard lock(mutex_);
    retired_ = true;
  }
  loop_.post([link = shared_from_this()] { link->forget(0); });
}

void NurseryLink::close() {
  socket_watch_.reset();
  trees_watch_.reset();
  std::unordered_map<uint64_t, Ward> dropped;
  {
    std::lock_guard lock(mutex_);
    lost_ = true;
    socket_.reset();
    trees_.reset();
    unsent_.clear();
    dropped.swap(wards_);
  }
}

void NurseryLink::update_watch() {
  if (!socket_watch_) return;
  std::lock_guard lock(mutex_);
  socket_watch_->set(true, !unsent_.empty());
}

void NurseryLink::on_socket(Readiness readiness) {
  if (readiness.writable) flush();
  if (readiness.readable) receive();
}

void NurseryLink::flush() {
  {
    std::lock_guard lock(mutex_);
    while (!unsent_.empty()) {
      std::vector<int> fds;
      for (const auto& fd : unsent_.front().fds) fds.push_back(fd.get());
      const auto sent =
          platform::send_packet(socket_.get(), unsent_.front().bytes, fds, Deadline::after_ms(0));
      if (sent.code() == Code::Timeout) break;
      // Any other failure is the nursery's end, which receive() hears of.
      unsent_.pop_front();
    }
  }
  update_watch();
}

void NurseryLink::receive() {
  // What a callback does may close this link.
  while (socket_watch_) {
    auto packet = platform::receive_packet(socket_.get(), Deadline::after_ms(0));
    if (!packet) {
      const Code code = packet.error().code();
      // Without memory for it the packet stays where it is, and this is called again.
      if (code == Code::Timeout || code == Code::NoMemory) return;
      if (code != Code::Closed)
        return lose(packet.error().with_context("brood-nursery is not heard"));
      return lose(Error(Code::WorkerLost, "brood-nursery ended, and all its children with it"));
    }
    auto report = protocol::decode_report(packet->bytes);
    if (!report) return lose(report.error());
    take(*report);
  }
}

void NurseryLink::take(const protocol::Report& report) {
  std::shared_ptr<ChildEvents> events;
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    if (report.kind == protocol::ReportKind::Ready) {
      pid_ = report.pid;
      return;
    }
    const auto ward = wards_.find(report.child);
    if (ward == wards_.end()) return;
    events = ward->second.events;
    names = ward->second.names;
    if (report.kind == protocol::ReportKind::Started) ward->second.pid = report.pid;
    if (report.kind == protocol::ReportKind::Died) ward->second.died = true;
  }
  switch (report.kind) {
    case protocol::ReportKind::Ready:
      return;
    case protocol::ReportKind::Started:
      return events->started(report.pid);
    case protocol::ReportKind::Failed:
      forget(report.child);
      return events->failed(Error::os(failure_text(report.step, names, program_), report.os_code));
    case protocol::ReportKind::Died: {
      ExitReport ending;
      ending.exit_code = report.exit_code;
      ending.signal = report.signal;
      ending.usage = report.usage;
      ending.keeper_lost = report.keeper_lost;
      ending.out_of_memory = report.out_of_memory;
      if (report.tree_gone) forget(report.child);
      events->died(ending);
      if (report.tree_gone) events->tree_gone();
      return;
    }
    case protocol::ReportKind::TreeGone:
      forget(report.child);
      return events->tree_gone();
  }
}

void NurseryLink::forget(uint64_t child) {
  bool done;
  {
    std::lock_guard lock(mutex_);
    wards_.erase(child);
    done = retired_ && wards_.empty();
  }
  if (done) close();
}

// The nursery is gone, or not to be understood. Its keepers end their trees now; each holds the
// trees pipe until it has done so. Nobody is told before: what a child still does then is no more
// done twice.
void NurseryLink::lose(const Error& why) {
  socket_watch_.reset();
  {
    std::lock_guard lock(mutex_);
    lost_ = true;
    why_lost_ = why;
    socket_.reset();
    unsent_.clear();
  }
  const auto self = weak_from_this();
  auto watch = loop_.watch(trees_.get(), true, false, [self](Readiness) {
    if (auto link = self.lock()) link->on_trees_gone();
  });
  if (!watch) return on_trees_gone();
  trees_watch_ = std::move(*watch);
}

void NurseryLink::on_trees_gone() {
  std::unordered_map<uint64_t, Ward> gone;
  std::optional<Error> why;
  {
    std::lock_guard lock(mutex_);
    gone.swap(wards_);
    why = why_lost_;
  }
  // The nursery itself is a member, and it reaps: what it had begun comes before its children.
  if (membership_.arena != nullptr) reap_unseen(*membership_.arena, membership_.me.slot);
  ExitReport ending;
  ending.nursery_lost = true;
  for (auto& [child, ward] : gone) {
    if (ward.pid == 0) {
      ward.events->failed(why->with_context("cannot start '" + ward.names[0] + "'"));
      continue;
    }
    if (!ward.died) ward.events->died(ending);
    ward.events->tree_gone();
  }
  close();
}

}  // namespace brood
