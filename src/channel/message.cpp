#include "channel/message.hpp"

#include <cstring>

namespace brood {

namespace {

Error wrong_name(const Chunk::Name& name) {
  return Error(Code::Protocol, "a record names a chunk of " + std::to_string(name.size) +
                                   " bytes and " + std::to_string(name.refs) + " handles at " +
                                   std::to_string(name.offset) +
                                   ", which is not there: the other side is damaged");
}

}  // namespace

Message::Ptr Message::copy(const void* data, size_t size, uint8_t codec) {
  if (size > PTRDIFF_MAX - sizeof(Message)) throw std::bad_alloc();
  Ptr message = make(nullptr, size, codec, size);
  message->data_ = message->behind();
  if (data != nullptr) {
    std::memcpy(message->data_, data, size);
  } else {
    std::memset(message->data_, 0, size);
  }
  return message;
}

Message::Ptr Message::borrow(std::byte* data, size_t size, uint8_t codec) {
  return make(data, size, codec, 0);
}

Message::Ptr Message::make(std::byte* data, size_t size, uint8_t codec, size_t bytes) {
  return Ptr(new (::operator new(sizeof(Message) + bytes)) Message(data, size, codec));
}

void Message::free_chunk() { Chunk::free(*holdings_, chunk_); }

Message::Ptr MessageBlocks::copy(const void* data, size_t size, uint8_t codec) {
  if (size > largest_) return Message::copy(data, size, codec);
  const size_t need = bytes_for(size);
  if (block_ != nullptr) rewind_if_empty();
  if (block_ == nullptr || used_ + need > kBlockBytes) {
    close();
    block_ = static_cast<std::byte*>(::operator new(kBlockBytes, std::align_val_t(kBlockBytes)));
    new (block_) Block{kOpen};
    used_ = kFirst;
  }
  return Message::Ptr(place(static_cast<const std::byte*>(data), size, codec, need));
}

// The block lives on as long as its messages.
void MessageBlocks::close() {
  if (block_ == nullptr) return;
  release(reinterpret_cast<Block*>(std::exchange(block_, nullptr)),
          kOpen - std::exchange(made_, 0u));
}

void MessageBlocks::end(Block* block) { ::operator delete(block, std::align_val_t(kBlockBytes)); }

bool Message::whole_chunk() const {
  return chunk_ != 0 && holdings_->arena().offset_of(data_) == chunk_;
}

Status Message::attach(Held held) {
  if (handle_count() >= kMostHandles) {
    return Error(Code::TooBig, "a message carries at most 16 handles");
  }
  if (!handles_) handles_ = std::make_unique<std::vector<Held>>();
  handles_->push_back(std::move(held));
  return {};
}

Result<Held> Message::peek(size_t index) const {
  if (index >= handle_count()) {
    return Error(Code::Invalid, "the message carries " + std::to_string(handle_count()) +
                                    " handles: there is no number " + std::to_string(index));
  }
  Held held = (*handles_)[index];
  if (!held) return Error(Code::State, "this handle was taken out of the message before");
  return held;
}

Result<Held> Message::take(size_t index) {
  auto held = peek(index);
  if (held) (*handles_)[index] = Held();
  return held;
}

Result<Chunk::Name> Chunk::make(Holdings& holdings, uint64_t size, std::span<const Held> handles) {
  Arena& arena = holdings.arena();
  Name name{0, size, static_cast<uint32_t>(handles.size())};
  if (size > arena.bytes()) {
    return Error(Code::NoMemory, std::to_string(size) + " bytes are more than the family's " +
                                     std::to_string(arena.bytes()));
  }
  auto offset =
      arena.heap().allocate(std::max<uint64_t>(data_at(name.refs) + size, 1), holdings.me());
  if (!offset) return offset.error();
  name.offset = *offset;
  if (name.refs == 0) return name;

  auto* list = reinterpret_cast<RefList*>(arena.at(*offset, ref_list_bytes(name.refs)));
  std::memset(static_cast<void*>(list), 0, ref_list_bytes(name.refs));
  list->count = name.refs;
  // From here on a reaper gives the references up.
  Status status = arena.heap().mark_carrying(*offset, holdings.me());
  for (uint32_t index = 0; index < name.refs && status; ++index) {
    if (handles[index]) status = holdings.attach(handles[index], list->refs[index]);
  }
  if (!status) {
    free(holdings, *offset);
    return status.error();
  }
  return name;
}

std::byte* Chunk::data(Arena& arena, const Name& name) {
  const uint64_t room = arena.heap().size_of(name.offset);
  const bool fits = name.refs <= kMostHandles && name.size <= room &&
                    data_at(name.refs) <= room - name.size && room > 0;
  return fits ? arena.at(name.offset + data_at(name.refs), name.size) : nullptr;
}

void Chunk::free(Holdings& holdings, Offset offset) {
  Arena& arena = holdings.arena();
  const Tag tag = arena.heap().tag_of(offset);
  if (!tag.is(TagState::Owned, holdings.me())) return;
  if (tag.carries()) drop_references(arena, offset, holdings.me());
  (void)arena.heap().free(offset, holdings.me());
}

Status Chunk::take_handles(Holdings& holdings, const Name& name, bool keep, Message& message) {
  if (name.refs == 0) return {};
  Arena& arena = holdings.arena();
  RefList* list = ref_list_at(arena, name.offset);
  if (!arena.heap().tag_of(name.offset).carries() || list == nullptr || list->count < name.refs) {
    return wrong_name(name);
  }
  for (uint32_t index = 0; index < name.refs; ++index) {
    const Offset object = list->refs[index].load(std::memory_order_acquire);
    // A handle that was taken before it was sent on.
    if (object == 0) {
      BROOD_TRY(message.attach(Held()));
      continue;
    }
    if (arena.heap().tag_of(object).state() != TagState::Object) return wrong_name(name);
    auto held = keep ? holdings.hold(handle_of(arena, object)) : holdings.take(list->refs[index]);
    if (!held) return held.error();
    BROOD_TRY(message.attach(std::move(*held)));
  }
  return {};
}

Result<Message::Ptr> Chunk::own(Holdings& holdings, const Name& name, uint8_t codec) {
  std::byte* data = Chunk::data(holdings.arena(), name);
  if (data == nullptr) {
    free(holdings, name.offset);
    return wrong_name(name);
  }
  Message::Ptr message = Message::borrow(data, name.size, codec);
  message->holdings_ = &holdings;
  message->chunk_ = name.offset;
  BROOD_TRY(take_handles(holdings, name, false, *message));
  return message;
}

Result<Message::Ptr> Chunk::receive(Holdings& holdings, const Name& name, MemberSlot from,
                                    uint8_t codec) {
  const Status taken = holdings.arena().heap().take(name.offset, from, holdings.me());
  if (!taken) return wrong_name(name);
  return own(holdings, name, codec);
}

Result<Message::Ptr> Chunk::borrow(Holdings& holdings, const Name& name, uint8_t codec) {
  std::byte* data = Chunk::data(holdings.arena(), name);
  if (data == nullptr) return wrong_name(name);
  Message::Ptr message = Message::borrow(data, name.size, codec);
  BROOD_TRY(take_handles(holdings, name, true, *message));
  return message;
}

}  // namespace brood
