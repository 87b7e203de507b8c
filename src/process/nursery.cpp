#include "process/nursery.hpp"

#include <algorithm>
#include <future>
#include <mutex>
#include <utility>

#include "base/patience.hpp"
#include "platform/platform.hpp"
#include "process/nursery_link.hpp"
#include "process/protocol.hpp"

namespace brood {

namespace {

protocol::Order make_order(const ChildRequest& request, platform::Identity identity) {
  protocol::Order order;
  order.arguments = request.command;
  order.environment = request.environment;
  order.folder = request.cwd;
  const ChildLimits& limits = request.limits;
  platform::apply_limits({limits.cpu_seconds, limits.open_files, limits.core_bytes},
                         identity.limits);
  order.memory_bytes = limits.memory_bytes;
  for (const auto& limit : identity.limits) {
    order.limits.push_back({limit.resource, 0, limit.soft, limit.hard});
  }
  order.cpus = limits.cpus.empty() ? identity.cpus : limits.cpus;
  order.pass_count = static_cast<uint32_t>(request.pass_fds.size());
  // The scale ends at these.
  order.nice = static_cast<int32_t>(
      std::clamp(int64_t{identity.nice} + limits.nice, int64_t{-20}, int64_t{19}));
  order.has_file_mask = identity.file_mask.has_value();
  order.file_mask = identity.file_mask.value_or(0);
  order.no_new_privileges = request.no_new_privileges;
  return order;
}

// A request as it goes over the wire, with the fds that it owns and those that it borrows.
struct Prepared {
  protocol::Request request;
  std::vector<int> fds;
  platform::Fd order;  // when it is too long for the packet
  platform::Fd folder;
};

Result<Prepared> make_request(const ChildRequest& request, platform::Identity identity) {
  Prepared prepared;
  auto order = make_order(request, std::move(identity));
  // Without it the child starts where the nursery did; a folder that this process may not look at.
  auto folder = platform::open_current_folder();
  if (folder) prepared.folder = std::move(*folder);
  order.from_folder = prepared.request.has_folder = folder.ok();
  auto bytes = protocol::encode(order);
  if (!bytes) return bytes.error();
  if (bytes->size() <= kMostInlineOrderBytes) {
    prepared.request.order = std::move(*bytes);
  } else {
    auto file = platform::make_anonymous_file(*bytes);
    if (!file) return file.error();
    prepared.order = std::move(*file);
    prepared.fds.push_back(prepared.order.get());
  }
  if (prepared.folder) prepared.fds.push_back(prepared.folder.get());
  for (size_t i = 0; i < 3; ++i) {
    prepared.request.has_stream[i] = request.stdio[i] >= 0;
    if (request.stdio[i] >= 0) prepared.fds.push_back(request.stdio[i]);
  }
  prepared.fds.insert(prepared.fds.end(), request.pass_fds.begin(), request.pass_fds.end());
  prepared.request.pass_count = order.pass_count;
  prepared.request.member = request.member;
  prepared.request.memory_bytes = request.limits.memory_bytes;
  constexpr size_t kMostPassed = 240;
  if (request.pass_fds.size() > kMostPassed) {
    return Error(Code::TooBig, "at most " + std::to_string(kMostPassed) +
                                   " fds can be passed, not " +
                                   std::to_string(request.pass_fds.size()));
  }
  return prepared;
}

}  // namespace

Child::Child(std::shared_ptr<NurseryLink> link, uint64_t number)
    : link_(std::move(link)), number_(number) {}
Status Child::signal(int signal_number) { return link_->signal_child(number_, signal_number); }
void Child::kill() { link_->kill_child(number_); }
int64_t Child::pid() const { return link_->child_pid(number_); }

struct Nursery::State {
  State(Loop& its_loop, Membership its_membership, std::string its_program)
      : loop(its_loop), membership(its_membership), program(std::move(its_program)) {}

  Loop& loop;
  Membership membership;
  std::string program;

  std::mutex mutex;  // guards what follows; held while a nursery is started, so that there is one
  std::shared_ptr<NurseryLink> link;
  std::vector<std::shared_ptr<NurseryLink>> old;  // until their last child is reported

  void replace_link() {
    std::erase_if(old, [](const auto& link) { return link->finished(); });
    if (link) old.push_back(std::exchange(link, nullptr));
  }

  // The nursery that fits this process as it is now.
  Result<std::shared_ptr<NurseryLink>> current(uint64_t world) {
    std::lock_guard lock(mutex);
    if (link && link->lost()) replace_link();
    if (link && link->world() != world) {
      link->retire();
      replace_link();
    }
    if (link) return link;
    std::string path = program;
    if (path.empty()) {
      auto found = find_nursery();
      if (!found) return found.error();
      path = std::move(*found);
    }
    auto launched = LaunchedNursery::launch(std::move(path), membership);
    if (!launched) return launched.error().with_context("cannot start the nursery");
    link = NurseryLink::start(loop, membership, std::move(*launched));
    return link;
  }
};

Nursery::Nursery(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Nursery> Nursery::create(Loop& loop, Membership membership, std::string program) {
  auto state = std::make_unique<State>(loop, membership, std::move(program));
  return std::unique_ptr<Nursery>(new Nursery(std::move(state)));
}

std::unique_ptr<Nursery> Nursery::adopt(Loop& loop, Membership membership,
                                        std::unique_ptr<LaunchedNursery> launched) {
  auto nursery = create(loop, membership);
  if (launched) nursery->state_->link = NurseryLink::start(loop, membership, std::move(*launched));
  return nursery;
}

Nursery::~Nursery() {
  std::vector<std::shared_ptr<NurseryLink>> links = std::move(state_->old);
  if (state_->link) links.push_back(std::move(state_->link));
  const auto close_all = [&links] {
    for (const auto& link : links) link->close();
  };
  if (state_->loop.on_loop_thread()) {
    close_all();
    return;
  }
  std::promise<void> closed;
  state_->loop.post([&] {
    close_all();
    closed.set_value();
  });
  closed.get_future().wait();
}

void Nursery::prepare() {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->link && !state_->link->lost()) return;
  }
  (void)state_->current(platform::current_identity().world);
}

Result<std::shared_ptr<Child>> Nursery::spawn(const ChildRequest& request,
                                              const std::shared_ptr<ChildEvents>& events) {
  platform::Identity identity = platform::current_identity();
  const uint64_t world = identity.world;
  auto prepared = make_request(request, std::move(identity));
  if (!prepared) return prepared.error();
  const std::vector<std::string> names = {request.command[0], request.cwd};
  // The second attempt is for a nursery that died a moment ago, which the loop has not heard of
  // yet.
  for (int attempt = 0;; ++attempt) {
    auto link = state_->current(world);
    if (!link) return link.error();
    const Patience patience;  // a child that was asked for is not forgotten
    auto number = (*link)->spawn(prepared->request, prepared->fds, names, events);
    if (number) return std::make_shared<Child>(*link, *number);
    if (number.error().code() != Code::Closed) return number.error();
    if (attempt == 1) {
      return Error(Code::Os, "the nursery ends as soon as it is started; run '" + names[0] +
                                 "' only where brood-nursery can run");
    }
    std::lock_guard lock(state_->mutex);
    if (state_->link == *link) state_->replace_link();
  }
}

int64_t Nursery::pid() const {
  std::lock_guard lock(state_->mutex);
  return state_->link ? state_->link->pid() : 0;
}

std::unique_ptr<LaunchedNursery> launch_nursery(Membership membership) {
  auto path = find_nursery();
  if (!path) return nullptr;
  auto launched = LaunchedNursery::launch(std::move(*path), membership);
  return launched ? std::make_unique<LaunchedNursery>(std::move(*launched)) : nullptr;
}

Result<std::string> find_nursery() {
  const std::string name = "/brood-nursery";
  std::vector<std::string> places;
  if (auto told = platform::trusted_environment("BROOD_NURSERY"); told && !told->empty()) {
    places.push_back(*told);
  } else {
    const std::string library = platform::library_folder();
    if (!library.empty()) {
      places.push_back(library + "/brood-" BROOD_SOVERSION + name);
      // The build tree: src/api or tests/<area> beside src/nursery.
      places.push_back(library + "/../nursery" + name);
      places.push_back(library + "/../../src/nursery" + name);
    }
    places.push_back(BROOD_HELPER_FOLDER + name);
  }
  std::string tried;
  for (const std::string& place : places) {
    if (platform::is_executable(place)) return place;
    tried += (tried.empty() ? "" : ", ") + place;
  }
  constexpr int kNoSuchFile = 2;
  ErrorRecord record;
  record.code = Code::Os;
  record.os_code = kNoSuchFile;
  record.message = "brood-nursery is not there, or may not be executed: looked at " + tried +
                   "; install it beside the library, or set BROOD_NURSERY to its path";
  return Error(std::move(record));
}

}  // namespace brood
