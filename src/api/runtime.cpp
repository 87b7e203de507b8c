#include "api/runtime.hpp"

#include <cstdlib>

#include "pool/failure.hpp"

namespace brood::api {

namespace {

Error not_initialised() {
  return Error(
      Code::State,
      "brood is not initialised: call brood_init() first in main(), after brood_register()");
}

}  // namespace

constinit std::atomic<Runtime*> Runtime::running_{nullptr};

Runtime& Runtime::instance() {
  static auto* runtime = new Runtime;
  return *runtime;
}

bool Runtime::is_forked() {
  const Runtime& runtime = instance();
  return runtime.phase_.load(std::memory_order_acquire) != Phase::None &&
         runtime.fork_epoch_ != platform::fork_epoch();
}

Result<Runtime*> Runtime::find_out() {
  Runtime& runtime = instance();
  const Phase phase = runtime.phase_.load(std::memory_order_acquire);
  if (phase == Phase::None) return not_initialised();
  if (forked()) {
    return Error(Code::Forked,
                 "this process was forked from one that uses brood: only that one may use it; "
                 "start processes with brood_process_start() or exec a program");
  }
  if (phase == Phase::Over) return Error(Code::Closed, "brood_shutdown() was called");
  return &runtime;
}

// ---- functions ---------------------------------------------------------------------------------

Status Runtime::register_function(std::string_view name, brood_function function, void* context) {
  std::lock_guard lock(mutex_);
  if (phase_.load(std::memory_order_relaxed) != Phase::None) {
    return Error(Code::State, "brood_register(\"" + std::string(name) +
                                  "\") comes too late: register before brood_init()");
  }
  if (!functions_.emplace(name, Function{function, context}).second) {
    return Error(Code::State,
                 "a function named \"" + std::string(name) + "\" is registered already");
  }
  return {};
}

const Runtime::Function* Runtime::find_function(std::string_view name) const {
  // No lock: nothing is registered any more once tasks run.
  const auto found = functions_.find(name);
  return found != functions_.end() ? &found->second : nullptr;
}

std::string Runtime::function_names() const {
  std::string names;
  for (const auto& [name, function] : functions_) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

// ---- beginning ---------------------------------------------------------------------------------

Status Runtime::init(int argc, char* const* argv, const brood_init_options& options) {
  {
    std::lock_guard lock(mutex_);
    if (phase_.load(std::memory_order_relaxed) != Phase::None) {
      return Error(Code::State, "brood_init() was called before in this process: call it once");
    }
    remember_command(argc, argv);
    Result<std::optional<ReceivedHandOff>> hand_off = receive_hand_off();
    if (!hand_off) return hand_off.error();
    fork_epoch_ = platform::fork_epoch();
    if (hand_off->has_value()) {
      ReceivedHandOff& received = **hand_off;
      Status status = become_worker(received);
      if (!status) {
        // The host is told why this worker will not work.
        (void)platform::send_packet(received.control.get(), encode_failure(status.error().record()),
                                    {}, Deadline::after_ms(0));
        return status;
      }
      control_ = std::move(received.control);
    } else {
      BROOD_TRY(become_host(options));
    }
    phase_.store(link_ ? Phase::Worker : Phase::Host, std::memory_order_release);
    running_.store(this, std::memory_order_release);
  }
  std::atexit(brood_shutdown);
  if (link_ && !options.manual_worker) std::exit(serve(*this));
  return {};
}

void Runtime::remember_command(int argc, char* const* argv) {
  if (argv != nullptr) command_.assign(argv, argv + (argc > 0 ? argc : 0));
  if (command_.empty()) command_ = platform::program_arguments();
  if (command_.empty()) command_.emplace_back();
  remember_path();
}

// What argv[0] says may be found nowhere, or be another program by now.
void Runtime::remember_path() {
  const std::string path = platform::program_path();
  if (path.empty()) return;
  command_[0] = path;
  path_known_ = true;
}

std::vector<std::string> Runtime::command() {
  std::lock_guard lock(mutex_);
  if (!path_known_) remember_path();  // the system may have refused it then
  return command_;
}

Status Runtime::become_host(const brood_init_options& options) {
  Result<std::unique_ptr<Arena>> arena = Arena::create(options.arena_bytes);
  if (!arena) return arena.error().with_context("the shared arena");
  Members& members = (*arena)->members();
  Result<MemberId> me = members.reserve(kNobody);
  if (!me) return me.error();
  const int64_t pid = platform::process_id();
  BROOD_TRY(members.join(*me, pid, platform::process_start_time(pid)));
  household_ = std::make_unique<Household>(std::move(*arena), *me, 0);
  return {};
}

Status Runtime::become_worker(ReceivedHandOff& received) {
  HandOff& hand_off = received.hand_off;
  BROOD_TRY(start_parent_watch(received));
  Result<StartOrders> orders = decode_start_orders(hand_off.payload);
  if (!orders) return orders.error();
  Result<std::unique_ptr<Arena>> arena = Arena::attach(std::move(hand_off.arena));
  if (!arena) return arena.error().with_context("the arena of the host");
  Members& members = (*arena)->members();
  const auto slot = static_cast<MemberSlot>(hand_off.member);
  if (!members.exists(slot)) return Error(Code::Protocol, "the hand-off names no member slot");
  const MemberId me = members.id(slot);
  const int64_t pid = platform::process_id();
  BROOD_TRY(members.join(me, pid, platform::process_start_time(pid)));
  household_ = std::make_unique<Household>(std::move(*arena), me, hand_off.depth);
  Result<std::unique_ptr<WorkerLink>> link =
      WorkerLink::open(household_->holdings(), household_->rack(), std::move(*orders));
  if (!link) return link.error();
  link_ = std::move(*link);
  name_ = hand_off.name;
  parent_pid_ = hand_off.parent_pid;
  parent_start_time_ = hand_off.parent_start_time;
  return {};
}

// ---- what lives --------------------------------------------------------------------------------

void Runtime::add_pool(Pool* pool) {
  std::lock_guard lock(mutex_);
  pool->ref();
  pools_.insert(pool);
}

void Runtime::forget_pool(Pool* pool) {
  {
    std::lock_guard lock(mutex_);
    if (pools_.erase(pool) == 0) return;
  }
  pool->unref();
}

ParentEnd* Runtime::parent_end() {
  std::lock_guard lock(mutex_);
  if (parent_end_ == nullptr && parent_pid_ != 0) {
    auto made = ParentEnd::watch(*household_, parent_pid_, parent_start_time_);
    if (made) parent_end_ = *made;
  }
  return parent_end_;
}

Result<Bridge*> Runtime::bridge() {
  std::lock_guard lock(mutex_);
  if (Bridge* made = bridge_if_made()) return made;
  Result<std::unique_ptr<Bridge>> bridge = Bridge::start(household_->rack());
  if (!bridge) return bridge.error();
  // Release: pairs with bridge_if_made().
  bridge_.store(bridge->release(), std::memory_order_release);
  return bridge_if_made();
}

// ---- ending ------------------------------------------------------------------------------------

void Runtime::shutdown() {
  const Phase phase = phase_.load(std::memory_order_acquire);
  if (phase == Phase::None || phase == Phase::Over || forked()) return;
  std::vector<Pool*> pools;
  {
    std::lock_guard lock(mutex_);
    if (phase_.load(std::memory_order_relaxed) == Phase::Over) return;
    phase_.store(Phase::Over, std::memory_order_release);
    running_.store(nullptr, std::memory_order_release);
    pools.assign(pools_.begin(), pools_.end());
    for (Pool* pool : pools) pool->ref();
  }
  for (Pool* pool : pools) pool->terminate();
  for (Pool* pool : pools) {
    (void)pool->join(Deadline::forever(), nullptr);
    pool->unref();
  }
  children_.end();
  // Release: what this process did with shared objects is done.
  household_->arena()
      .members()
      .at(household_->me().slot)
      .orderly.store(1, std::memory_order_release);
  household_->stop();
}

}  // namespace brood::api
