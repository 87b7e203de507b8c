#include "pool/solo.hpp"

#include <cstring>

#include "base/patience.hpp"
#include "pool/failure.hpp"
#include "pool/start_orders.hpp"
#include "shm/reaper.hpp"

namespace brood {

class Solo::Events final : public ChildEvents {
 public:
  Events(std::shared_ptr<Solo> solo, std::shared_ptr<ChildEvents> next)
      : solo_(std::move(solo)), next_(std::move(next)) {}
  void started(int64_t pid) override { next_->started(pid); }
  void failed(const Error& error) override {
    solo_->give_up_member();
    next_->failed(error);
    solo_->on_over();
  }
  void died(const ExitReport& report) override {
    solo_->give_up_member();
    solo_->on_died(report);
    next_->died(report);
  }
  void tree_gone() override {
    next_->tree_gone();
    solo_->on_over();
  }

 private:
  const std::shared_ptr<Solo> solo_;
  const std::shared_ptr<ChildEvents> next_;
};

Result<std::shared_ptr<Solo>> Solo::create(Household& household, std::string name,
                                           std::string function, const Input& input) {
  std::shared_ptr<Solo> solo(new Solo(household, std::move(name), std::move(function)));
  BROOD_TRY(solo->prepare(input));
  return solo;
}

Solo::Solo(Household& household, std::string name, std::string function)
    : household_(household), name_(std::move(name)), functions_{std::move(function)} {}

Solo::~Solo() {
  seat_.reset();
  drop_argument();
  if (memory_ != 0) (void)household_.arena().heap().free(memory_, household_.me().slot);
}

Status Solo::prepare(const Input& input) {
  const std::span<const std::byte> bytes = input.bytes;
  Arena& arena = household_.arena();
  const size_t whole = kFalseSharing + Seat::channel_bytes();
  Result<Offset> memory = arena.heap().allocate(whole, household_.me().slot);
  if (!memory) return memory.error().with_context("the lanes of the process");
  memory_ = pool_block_ = *memory;
  std::byte* at = arena.at(memory_, whole);
  new (at) PoolBlock{};  // all zero: nobody sleeps for results
  seat_ = std::make_unique<Seat>(0, new (at + kFalseSharing) ChannelBlock{});
  call_.given = Argument::at(bytes.data(), bytes.size());
  call_.codec = input.codec;
  if (bytes.size() > kInlineBytes || !input.handles.empty()) {
    Result<Chunk::Name> chunk = Chunk::make(household_.holdings(), bytes.size(), input.handles);
    if (!chunk) return chunk.error().with_context("the argument of the process");
    if (!bytes.empty()) std::memcpy(Chunk::data(arena, *chunk), bytes.data(), bytes.size());
    call_.given = argument_ = Argument::in_chunk(*chunk);
  }
  SpanQueue queue;
  queue.push_back({&call_, 0, 1});
  if (seat_->send(queue, functions_, 1) != 1) {
    return Error(Code::Internal, "an empty lane had no room for one task");
  }
  seat_->publish();
  seat_->close_lane();
  return {};
}

Result<std::shared_ptr<Child>> Solo::start(const ChildRequest& request,
                                           std::shared_ptr<ChildEvents> events) {
  Arena& arena = household_.arena();
  const Patience patience;  // a place that is taken is used or given back
  Result<MemberId> member = arena.members().reserve(household_.me().slot);
  if (!member) return member.error();
  seat_->member = *member;
  StartOrders orders;
  orders.role = StartOrders::Role::Process;
  orders.channel = arena.offset_of(&seat_->block());
  orders.channel_bytes = Seat::channel_bytes();
  orders.pool_block = pool_block_;
  HandOff hand_off;
  hand_off.name = name_;
  hand_off.depth = household_.depth() + 1;
  hand_off.member = member->slot;
  hand_off.payload = encode_start_orders(orders);
  Result<WorkerProcess> process =
      launch_worker(household_, request, std::move(hand_off),
                    std::make_shared<Events>(shared_from_this(), std::move(events)));
  if (!process) {
    arena.members().cancel_reservation(*member);
    return process.error();
  }
  std::lock_guard lock(mutex_);
  seat_->control = std::move(process->control);
  return std::move(process->child);
}

// The nursery reaps those whose death it reports, where it can; the others are reaped here.
void Solo::give_up_member() {
  if (household_.arena().members().is_gone(seat_->member)) return;
  household_.arena().members().mark_dead(seat_->member);
  (void)reap(household_.arena(), seat_->member, household_.me().slot);
}

// What the function reported, or what brood_init() had to say there.
std::optional<Error> Solo::fetch_failure(const ExitReport& report) {
  bool ready = false;
  LaneReader::Record record;
  LaneReader& lane = seat_->results();
  MessageBlocks blocks;
  for (;;) {
    const Result<bool> got = lane.next(record);
    if (!got) return got.error();
    if (!*got) break;
    ready |= record.header.kind == kReadyRecord;
    const bool failed = record.header.kind == kFailureRecord;
    const bool valued = record.header.kind == kResultRecord;
    if ((!failed && !valued) || record.header.size < sizeof(ResultFrame)) continue;
    // A value too, which nobody wants: a large one lies in the heap, and is freed when received.
    Result<Message::Ptr> bytes = receive_record(
        household_.holdings(), blocks, seat_->member.slot, record.header,
        {record.data + sizeof(ResultFrame), record.header.size - sizeof(ResultFrame)});
    if (!bytes) return bytes.error();
    if (valued) continue;
    Result<ErrorRecord> failure = decode_failure({(*bytes)->data(), (*bytes)->size()});
    return failure ? Error(std::move(*failure)) : failure.error();
  }
  if (const Result<platform::Packet> said =
          platform::receive_packet(seat_->control.get(), Deadline::after_ms(0))) {
    if (Result<ErrorRecord> failure = decode_failure(said->bytes))
      return Error(std::move(*failure));
  }
  // A program that was killed may not have come that far; one that ended by itself never tried.
  if (!ready && report.signal == 0 && !report.nursery_lost) {
    return Error(Code::InitFailed,
                 "'" + name_ + "' exited with code " + std::to_string(report.exit_code) +
                     " and ran nothing: its program must call brood_init() first in main()");
  }
  return std::nullopt;
}

// Nobody reads it any more; whoever waits for the end of its handles need not wait for ours.
void Solo::drop_argument() {
  const Argument argument = std::exchange(argument_, {});
  if (argument.in_heap) Chunk::free(household_.holdings(), argument.where);
}

void Solo::on_died(const ExitReport& report) {
  std::lock_guard lock(mutex_);
  died_ = true;
  drop_argument();
  failure_ = fetch_failure(report);
  if (failure_ && process_ != nullptr) process_->set_outcome(*failure_);
}

void Solo::on_over() {
  std::lock_guard lock(mutex_);
  over_ = true;
  seat_->control.reset();
  if (Subprocess* process = std::exchange(process_, nullptr)) process->unref();
}

void Solo::report_to(Subprocess& process) {
  std::lock_guard lock(mutex_);
  if (failure_) process.set_outcome(*failure_);
  if (over_) return;
  process.ref();
  process_ = &process;
}

}  // namespace brood
