#include "shm/object.hpp"

#include <cstring>
#include <new>

#include "shm/parts.hpp"

namespace brood {

namespace {

constexpr uint64_t kArenaBits = 0xffffff;

ObjectHeader* header_at(Arena& arena, Offset object) {
  if (object % kSmallestSlot != 0) return nullptr;
  return reinterpret_cast<ObjectHeader*>(arena.at(object, sizeof(ObjectHeader)));
}

Intent& intent_of(Arena& arena, MemberSlot member) { return arena.members().at(member).intent; }

// Notes that the change which left its name in `seen` was done, before the name is overwritten.
void help(Arena& arena, LifeWord seen) {
  if (seen.changer() >= arena.members().used()) return;
  std::atomic<uint64_t>& helped = intent_of(arena, seen.changer()).helped;
  // Pairs with settle_intent(), which looks at the life word first and here then.
  uint64_t known = helped.load(std::memory_order_seq_cst);
  for (;;) {
    // Only forwards: a helper that was stopped for long brings old news.
    const uint32_t ahead = seen.number() - static_cast<uint32_t>(known);
    if (ahead == 0 || ahead > UINT32_MAX / 2) return;
    if (helped.compare_exchange_weak(known, seen.number(), std::memory_order_seq_cst)) return;
  }
}

// Writes down what is going to happen; returns its number. The caller holds arena.intending().
uint32_t declare(Arena& arena, MemberSlot me, Offset object, const std::atomic<Offset>& ref,
                 int64_t delta) {
  Intent& intent = intent_of(arena, me);
  const uint64_t last = intent.active.load(std::memory_order_relaxed) >> 1;
  // Everything before is finished, so this is true; it keeps the numbers within reach of each
  // other.
  help(arena, LifeWord::make(0, me, static_cast<uint32_t>(last)));
  intent.object.store(object, std::memory_order_relaxed);
  intent.ref.store(arena.offset_of(&ref), std::memory_order_relaxed);
  intent.delta.store(delta, std::memory_order_relaxed);
  // Pairs with the acquire in settle_intent(): an active intent is whole.
  intent.active.store((last + 1) << 1 | 1, std::memory_order_release);
  return static_cast<uint32_t>(last + 1);
}

void retire(Arena& arena, MemberSlot me) {
  Intent& intent = intent_of(arena, me);
  const uint64_t active = intent.active.load(std::memory_order_relaxed);
  // After everything it announced.
  intent.active.store(active & ~uint64_t{1}, std::memory_order_release);
}

// Refused if a reaper was here before. What has parts is left to dismantle().
void destroy(Arena& arena, Offset object, MemberSlot by) {
  if (header_at(arena, object)->has_parts != 0) {
    (void)begin_dying(arena, object, by);
    return;
  }
  // For late handles; the tag is what counts.
  header_at(arena, object)->magic = 0;
  (void)arena.heap().free_object(object, by);
}

// True when the object was destroyed but for its parts.
bool give_up_reference(Arena& arena, std::atomic<Offset>& ref, MemberSlot me) {
  const Offset object = ref.load(std::memory_order_acquire);
  ObjectHeader* header = header_at(arena, object);
  if (header == nullptr) return false;
  std::lock_guard lock(arena.intending());
  const uint32_t number = declare(arena, me, object, ref, -1);
  LifeWord seen{header->life.load(std::memory_order_seq_cst)};
  // One of a pipe's ends is gone, which was all that referred to it: whoever waits at the other one
  // has to look.
  const bool tell = header->type == static_cast<uint32_t>(ObjectType::Pipe);
  bool last = false;
  for (;;) {
    if (seen.dying() || seen.count() == 0) break;  // damaged: leave it
    help(arena, seen);
    last = seen.count() == 1;
    const LifeWord next = LifeWord::make(seen.count() - 1, me, number, last);
    // The commit. When it was not the last reference the object may be gone from here on.
    if (header->life.compare_exchange_weak(seen.word, next.word, std::memory_order_seq_cst)) break;
    last = false;
  }
  const bool has_parts = last && header->has_parts != 0;
  ref.store(0, std::memory_order_release);
  if (last) destroy(arena, object, me);
  retire(arena, me);
  if (tell) arena.members().ring_all();
  return has_parts;
}

}  // namespace

RefList* ref_list_at(Arena& arena, Offset piece) {
  const size_t room = arena.heap().size_of(piece);
  auto* list = reinterpret_cast<RefList*>(arena.at(piece, room));
  if (list == nullptr || room < sizeof(RefList)) return nullptr;
  return list->count <= room / sizeof(uint64_t) - 1 ? list : nullptr;
}

Handle handle_of(Arena& arena, Offset object) {
  const ObjectHeader* header = header_at(arena, object);
  Handle handle;
  handle.type = header->type;
  handle.generation = header->generation;
  handle.place = (arena.id() & kArenaBits) << 40 | object / kSmallestSlot;
  return handle;
}

Result<ObjectHeader*> find_object(Arena& arena, const Handle& handle) {
  if (handle.arena() != (arena.id() & kArenaBits)) {
    return Error(Code::Invalid,
                 "the handle belongs to another family of processes: it means nothing here");
  }
  ObjectHeader* header = header_at(arena, handle.offset());
  if (header == nullptr) {
    return Error(Code::Invalid, "the handle is damaged: it points outside the shared memory");
  }
  if (arena.heap().tag_of(handle.offset()).state() != TagState::Object ||
      header->magic != kObjectMagic || header->generation != handle.generation ||
      header->type != handle.type) {
    return Error(Code::State, "what the handle meant is gone: its last holder has released it");
  }
  return header;
}

Result<Offset> create_object(Arena& arena, ObjectType type, size_t bytes, std::atomic<Offset>& ref,
                             MemberSlot me, LayOut lay_out, const void* settings) {
  const size_t whole = sizeof(ObjectHeader) + bytes;
  auto object = arena.heap().allocate_zeroed(whole, me);
  if (!object) return object;
  auto* header = new (arena.at(*object, whole)) ObjectHeader{};
  header->type = static_cast<uint32_t>(type);
  header->generation = arena.next_generation();
  header->bytes = bytes;
  header->magic = kObjectMagic;
  header->has_parts = lay_out != nullptr;
  if (lay_out != nullptr) lay_out(object_data(header), *object, settings);

  std::lock_guard lock(arena.intending());
  const uint32_t number = declare(arena, me, *object, ref, 1);
  header->life.store(LifeWord::make(1, me, number).word, std::memory_order_relaxed);
  // The commit: from here on the count says how long it lives.
  const Status made = arena.heap().make_object(*object, me);
  if (made) ref.store(*object, std::memory_order_release);
  retire(arena, me);
  if (!made) return made.error();
  return object;
}

Status add_reference(Arena& arena, Offset object, std::atomic<Offset>& ref, MemberSlot me) {
  ObjectHeader* header = header_at(arena, object);
  if (header == nullptr) return Error(Code::Invalid, "no object can be there");
  std::lock_guard lock(arena.intending());
  const uint32_t number = declare(arena, me, object, ref, 1);
  // Pairs with the same CAS of others: the words are one after the other.
  LifeWord seen{header->life.load(std::memory_order_seq_cst)};
  Status status;
  for (;;) {
    if (seen.dying() || seen.count() == 0) {
      status = Error(Code::State, "what the handle meant is gone");
      break;
    }
    if (seen.count() == kMostReferences) {
      status = Error(Code::NoSpace, "an object can have 65535 references at once");
      break;
    }
    help(arena, seen);
    const LifeWord next = LifeWord::make(seen.count() + 1, me, number);
    // The commit.
    if (header->life.compare_exchange_weak(seen.word, next.word, std::memory_order_seq_cst)) {
      ref.store(object, std::memory_order_release);
      break;
    }
  }
  retire(arena, me);
  return status;
}

void drop_reference(Arena& arena, std::atomic<Offset>& ref, MemberSlot me) {
  if (give_up_reference(arena, ref, me)) dismantle(arena, me);
}

void settle_intent(Arena& arena, MemberSlot dead, MemberSlot by) {
  Intent& intent = intent_of(arena, dead);
  const uint64_t active = intent.active.load(std::memory_order_acquire);
  if ((active & 1) == 0) return;
  const auto number = static_cast<uint32_t>(active >> 1);
  const Offset object = intent.object.load(std::memory_order_relaxed);
  auto* ref = reinterpret_cast<std::atomic<Offset>*>(
      arena.at(intent.ref.load(std::memory_order_relaxed), sizeof(Offset)));
  ObjectHeader* header = header_at(arena, object);
  if (ref != nullptr && header != nullptr) {
    const bool there = arena.heap().tag_of(object).state() == TagState::Object;
    const LifeWord life{there ? header->life.load(std::memory_order_seq_cst) : 0};
    const bool named = there && life.changer() == dead && life.number() == number;
    // Looked at last: whoever overwrote the name in the meantime was here before.
    const bool done =
        named || static_cast<uint32_t>(intent.helped.load(std::memory_order_seq_cst)) == number;
    const bool added = intent.delta.load(std::memory_order_relaxed) > 0;
    if (done) ref->store(added ? object : 0, std::memory_order_release);
    if (named && life.dying()) destroy(arena, object, by);
  }
  intent.active.store(active & ~uint64_t{1}, std::memory_order_release);
}

bool give_up_references(Arena& arena, Offset piece, MemberSlot by) {
  RefList* list = ref_list_at(arena, piece);
  if (list == nullptr) return false;
  bool dying = false;
  for (uint64_t index = 0; index < list->count; ++index) {
    dying |= give_up_reference(arena, list->refs[index], by);
  }
  return dying;
}

void drop_references(Arena& arena, Offset piece, MemberSlot by) {
  if (give_up_references(arena, piece, by)) dismantle(arena, by);
}

}  // namespace brood
