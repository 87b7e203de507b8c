#include "shm/holdings.hpp"

#include <new>

namespace brood {

Held::Held(const Held& other) : holdings_(other.holdings_), header_(other.header_) {
  if (holdings_ != nullptr) holdings_->again(header_);
}
Held::~Held() {
  if (holdings_ != nullptr) holdings_->less(header_);
}
Offset Held::offset() const { return holdings_->arena().offset_of(header_); }
Handle Held::handle() const { return handle_of(holdings_->arena(), offset()); }

Holdings::~Holdings() {
  for (const auto& [object, use] : uses_) drop_reference(arena_, *use.ref, me_);
  for (const Offset list : lists_) (void)arena_.heap().free(list, me_);
}

Result<std::atomic<Offset>*> Holdings::free_ref() {
  if (free_refs_.empty()) {
    auto piece = arena_.heap().allocate_zeroed(ref_list_bytes(kListRefs), me_);
    if (!piece) return piece.error();
    auto* list = reinterpret_cast<RefList*>(arena_.at(*piece, ref_list_bytes(kListRefs)));
    list->count = kListRefs;
    const Status marked = arena_.heap().mark_carrying(*piece, me_);
    if (!marked) return marked.error();
    lists_.push_back(*piece);
    for (uint64_t index = 0; index < kListRefs; ++index) free_refs_.push_back(&list->refs[index]);
  }
  std::atomic<Offset>* ref = free_refs_.back();
  free_refs_.pop_back();
  return ref;
}

Result<Held> Holdings::create(ObjectType type, size_t bytes, LayOut lay_out, const void* settings) {
  std::lock_guard lock(mutex_);
  auto ref = free_ref();
  if (!ref) return ref.error();
  auto object = create_object(arena_, type, bytes, **ref, me_, lay_out, settings);
  if (!object) {
    free_refs_.push_back(*ref);
    return object.error();
  }
  uses_[*object] = {1, *ref};
  return Held(*this, reinterpret_cast<ObjectHeader*>(arena_.at(*object, sizeof(ObjectHeader))));
}

Result<Held> Holdings::hold(const Handle& handle) {
  std::lock_guard lock(mutex_);
  const auto header = find_object(arena_, handle);
  if (!header) return header.error();
  Use& use = uses_[handle.offset()];
  if (use.count == 0) {
    auto ref = free_ref();
    const Status added =
        ref ? add_reference(arena_, handle.offset(), **ref, me_) : Status(ref.error());
    if (!added) {
      if (ref) free_refs_.push_back(*ref);
      uses_.erase(handle.offset());
      return added.error();
    }
    use.ref = *ref;
  }
  ++use.count;
  return Held(*this, *header);
}

Result<Held> Holdings::take(std::atomic<Offset>& ref) {
  const Offset object = ref.load(std::memory_order_acquire);
  if (arena_.heap().tag_of(object).state() != TagState::Object) {
    return Error(Code::State, "this handle was taken out of the message before");
  }
  auto held = hold(handle_of(arena_, object));
  // Our own reference first, so that the object outlives the message's.
  if (held) drop_reference(arena_, ref, me_);
  return held;
}

void Holdings::again(ObjectHeader* header) {
  std::lock_guard lock(mutex_);
  ++uses_[arena_.offset_of(header)].count;
}

void Holdings::less(ObjectHeader* header) {
  std::lock_guard lock(mutex_);
  const auto use = uses_.find(arena_.offset_of(header));
  if (use == uses_.end() || --use->second.count > 0) return;
  std::atomic<Offset>* ref = use->second.ref;
  uses_.erase(use);
  drop_reference(arena_, *ref, me_);
  free_refs_.push_back(ref);
}

}  // namespace brood
