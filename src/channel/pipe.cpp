#include "channel/pipe.hpp"

namespace brood {

namespace {

// A part of the end's object that refers to the pipe, so that the pipe lives as long as the end.
Status refer(Holdings& holdings, const Held& end, const Held& pipe) {
  Arena& arena = holdings.arena();
  auto piece = arena.heap().allocate_zeroed(ref_list_bytes(1), holdings.me());
  if (!piece) return piece.error();
  auto* list = reinterpret_cast<RefList*>(arena.at(*piece, ref_list_bytes(1)));
  list->count = 1;
  BROOD_TRY(arena.heap().mark_carrying(*piece, holdings.me()));
  BROOD_TRY(holdings.attach(pipe, list->refs[0]));
  return keep_part(arena, *piece, end.offset(), holdings.me())
             ? Status()
             : Status(Error(Code::Internal, "a fresh list is not ours"));
}

Result<Held> make_end(Holdings& holdings, const Held& pipe, unsigned side, bool one_way) {
  const EndShared settings{pipe.offset(), side, one_way};
  const auto lay_out = [](std::byte* data, Offset, const void* settings) {
    std::memcpy(data, settings, sizeof(EndShared));
  };
  auto end = holdings.create(ObjectType::PipeEnd, sizeof(EndShared), lay_out, &settings);
  if (!end) return end;
  BROOD_TRY(refer(holdings, *end, pipe));
  auto& name = reinterpret_cast<PipeShared*>(pipe.data())->ends[side];
  name.generation.store(end->handle().generation, std::memory_order_relaxed);
  name.object.store(end->offset(), std::memory_order_release);
  return end;
}

Error wrong_direction(const char* what) {
  return Error(Code::Invalid, std::string("this end of a one-way pipe only ") + what);
}

}  // namespace

PipeEnd::PipeEnd(Held held, std::shared_ptr<BellRack> rack, ObjectHeader& pipe,
                 const EndShared& end)
    : SharedObject(std::move(held)),
      rack_(std::move(rack)),
      pipe_(reinterpret_cast<PipeShared*>(object_data(&pipe))),
      side_(end.side & 1) {
  const auto ring_to = [&](unsigned side) {
    return std::make_shared<Ring>(pipe_->to[side], pipe, holdings(), rack_);
  };
  const bool one_way = end.one_way != 0;
  if (!one_way || side_ == 0) incoming_ = ring_to(side_);
  if (!one_way || side_ == 1) outgoing_ = ring_to(side_ ^ 1);
}

Result<PipeEnd::Pair> PipeEnd::create(Holdings& holdings, const std::shared_ptr<BellRack>& rack,
                                      bool duplex) {
  const auto lay_out = [](std::byte* data, Offset object, const void*) {
    auto& pipe = *new (data) PipeShared{};
    for (RingShared& ring : pipe.to) {
      lay_out_ring(ring, object, {.capacity_bytes = kPipeBytes, .one_may_exceed = true});
    }
  };
  auto pipe = holdings.create(ObjectType::Pipe, sizeof(PipeShared), lay_out);
  if (!pipe) return pipe.error().with_context("making a pipe");
  auto first = make_end(holdings, *pipe, 0, !duplex);
  if (!first) return first.error().with_context("making a pipe");
  auto second = make_end(holdings, *pipe, 1, !duplex);
  if (!second) return second.error().with_context("making a pipe");
  auto a = from(std::move(*first), rack);
  if (!a) return a.error();
  auto b = from(std::move(*second), rack);
  if (!b) return b.error();
  return Pair{std::move(*a), std::move(*b)};
}

Result<PipeEnd> PipeEnd::from(Held held, std::shared_ptr<BellRack> rack) {
  BROOD_TRY(expect(held, ObjectType::PipeEnd, sizeof(EndShared), "a pipe's"));
  Arena& arena = held.holdings().arena();
  EndShared end;
  std::memcpy(&end, held.data(), sizeof end);
  constexpr size_t kWhole = sizeof(ObjectHeader) + sizeof(PipeShared);
  auto* header = reinterpret_cast<ObjectHeader*>(arena.at(end.pipe, kWhole));
  if (header == nullptr || arena.heap().tag_of(end.pipe).state() != TagState::Object ||
      arena.heap().size_of(end.pipe) < kWhole ||
      header->type != static_cast<uint32_t>(ObjectType::Pipe)) {
    return Error(Code::Protocol, "the end of a pipe names no pipe: its memory is damaged");
  }
  return PipeEnd(std::move(held), std::move(rack), *header, end);
}

// ---- the other end -----------------------------------------------------------------------------

bool PipeEnd::peer_is_gone() const {
  const PipeShared::Name& peer = pipe_->ends[side_ ^ 1];
  const Offset object = peer.object.load(std::memory_order_acquire);
  if (arena().heap().tag_of(object).state() != TagState::Object) return true;
  const auto* header = reinterpret_cast<ObjectHeader*>(arena().at(object, sizeof(ObjectHeader)));
  return header == nullptr || header->generation != peer.generation.load(std::memory_order_relaxed);
}

Ended PipeEnd::ended() const {
  return {[](const void* end) { return static_cast<const PipeEnd*>(end)->peer_is_gone(); }, this};
}

// ---- messages ----------------------------------------------------------------------------------

Status PipeEnd::send(const Outgoing& item, const Deadline& deadline,
                     const CancelToken* cancel) const {
  if (!can_send()) return wrong_direction("receives");
  const auto sent = outgoing_->put({&item, 1}, deadline, cancel, ended());
  return sent ? Status() : Status(sent.error());
}

Status PipeEnd::check_receives() const {
  return can_receive() ? Status() : Status(wrong_direction("sends"));
}

Result<Message::Ptr> PipeEnd::receive(const Deadline& deadline, const CancelToken* cancel) const {
  BROOD_TRY(check_receives());
  Message::Ptr message;
  const auto got = incoming_->get({&message, 1}, deadline, cancel, ended());
  if (!got) return got.error();
  return message;
}

Result<bool> PipeEnd::receive_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                                   const Deadline& deadline, const CancelToken* cancel) const {
  BROOD_TRY(check_receives());
  return incoming_->get_into(room, size, codec, deadline, cancel, ended());
}

Result<uint64_t> PipeEnd::peek_size(const Deadline& deadline, const CancelToken* cancel) const {
  BROOD_TRY(check_receives());
  return incoming_->peek_size(deadline, cancel, ended());
}

Status PipeEnd::poll(const Deadline& deadline, const CancelToken* cancel) const {
  BROOD_TRY(check_receives());
  const auto size = incoming_->peek_size(deadline, cancel, ended());
  return size || size.error().code() == Code::Closed ? Status() : Status(size.error());
}

void PipeEnd::shut_down() const {
  if (can_send()) outgoing_->shut_down();
  if (can_receive()) incoming_->shut_down();
  for (FdOffer& offer : pipe_->fds_to) wake_fd_waiters(offer, members());
}

// ---- file descriptors --------------------------------------------------------------------------

Status PipeEnd::send_fd(int fd, Deadline deadline, const CancelToken* cancel) const {
  if (!can_send()) return wrong_direction("receives");
  return give_fd(*rack_, pipe_->fds_to[side_ ^ 1], fd, deadline, cancel,
                 [this] { return outgoing_->is_shut_down() || peer_is_gone(); });
}

Result<platform::Fd> PipeEnd::receive_fd(Deadline deadline, const CancelToken* cancel) const {
  BROOD_TRY(check_receives());
  return take_fd(*rack_, pipe_->fds_to[side_], deadline, cancel,
                 [this] { return incoming_->is_shut_down() || peer_is_gone(); });
}

bool PipeEnd::ready() const {
  return can_receive() &&
         (incoming_->has_something() || incoming_->is_shut_down() || peer_is_gone());
}

}  // namespace brood
