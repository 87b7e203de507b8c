// The inside of record.hpp: which fields each struct has, and where.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace brood_binding {

enum class Kind { Bool, I32, U32, I64, U64, U8, Text, Texts, Bytes, Numbers, Cancel, Message };

template <class T>
constexpr Kind kind_of() {
  if (std::is_same<T, bool>::value) return Kind::Bool;
  if (std::is_same<T, int32_t>::value) return Kind::I32;
  if (std::is_same<T, uint32_t>::value) return Kind::U32;
  if (std::is_same<T, int64_t>::value) return Kind::I64;
  if (std::is_same<T, uint64_t>::value) return Kind::U64;
  if (std::is_same<T, uint8_t>::value) return Kind::U8;
  if (std::is_same<T, const char*>::value) return Kind::Text;
  if (std::is_same<T, const char* const*>::value) return Kind::Texts;
  if (std::is_same<T, const uint32_t*>::value) return Kind::Numbers;
  if (std::is_same<T, brood_cancel*>::value) return Kind::Cancel;
  if (std::is_same<T, brood_msg*>::value) return Kind::Message;
  static_assert(
      std::is_same<T, bool>::value || std::is_integral<T>::value || std::is_pointer<T>::value,
      "a field of a kind that records do not know");
  return Kind::Bytes;
}

struct Field {
  const char* name;
  size_t offset;
  Kind kind;
  size_t size_offset;  // of Bytes and Numbers: where their count is
};

struct Layout {
  const char* name;
  size_t size;  // of the struct, which begins with struct_size
  const Field* fields;
  size_t count;
};

// `S` is the struct at hand; a path may lead into a struct in it: limits.nice.
#define BROOD_FIELD(path) \
  { #path, offsetof(S, path), kind_of < decltype(std::declval <S&>().path)>(), 0 }
#define BROOD_COUNTED(path, kind, size_path) \
  { #path, offsetof(S, path), kind, offsetof(S, size_path) }
#define BROOD_LIMITS                                                                            \
  BROOD_FIELD(limits.memory_bytes), BROOD_FIELD(limits.cpu_seconds),                            \
      BROOD_FIELD(limits.open_files), BROOD_FIELD(limits.core_bytes), BROOD_FIELD(limits.nice), \
      BROOD_COUNTED(limits.cpus, Kind::Numbers, limits.cpu_count)
#define BROOD_STREAM(stream) \
  BROOD_FIELD(stream.kind), BROOD_FIELD(stream.append), BROOD_FIELD(stream.path)
// A layout named `name`, for brood_`name`.
#define BROOD_LAYOUT(name, ...)                                                                \
  {                                                                                            \
    using S = brood_##name;                                                                    \
    static const Field fields[] = {__VA_ARGS__};                                               \
    static const Layout layout = {#name, sizeof(S), fields, sizeof fields / sizeof fields[0]}; \
    if (std::strcmp(wanted, #name) == 0) return &layout;                                       \
  }
#define F BROOD_FIELD

inline const Layout* find_options(const char* wanted) {
  BROOD_LAYOUT(start_options, F(arena_bytes), F(manual_worker), F(command))
  BROOD_LAYOUT(pool_options, F(workers), F(max_tasks_per_worker), F(max_pending), F(retries),
               F(name), F(initializer),
               BROOD_COUNTED(initializer_data, Kind::Bytes, initializer_size), F(initializer_msg),
               F(finalizer), F(command), F(env), F(cwd), BROOD_LIMITS)
  BROOD_LAYOUT(submit_options, F(run_limit_ms), F(retries), F(codec), F(wait_ms), F(cancel))
  BROOD_LAYOUT(stream_options, F(window), F(chunk), F(unordered), F(on_error), F(run_limit_ms),
               F(retries), F(codec))
  BROOD_LAYOUT(process_options, F(command), F(env), F(clear_env), F(daemon), F(cwd), F(name),
               BROOD_STREAM(standard_input), BROOD_STREAM(standard_output),
               BROOD_STREAM(standard_error), BROOD_LIMITS)
  BROOD_LAYOUT(queue_options, F(capacity_items), F(capacity_bytes), F(joinable))
  BROOD_LAYOUT(publish_options, BROOD_COUNTED(token, Kind::Bytes, token_size), F(any_user),
               F(max_message_bytes))
  BROOD_LAYOUT(lookup_options, BROOD_COUNTED(token, Kind::Bytes, token_size), F(other_user),
               F(user), F(max_message_bytes))
  BROOD_LAYOUT(shared_options, F(element_size), F(no_lock))
  BROOD_LAYOUT(lock_options, F(recursive))
  BROOD_LAYOUT(semaphore_options, F(bounded), F(owned))
  BROOD_LAYOUT(condition_options, F(max_waiters))
  BROOD_LAYOUT(rwlock_options, F(max_readers))
  return nullptr;
}

inline const Layout* find_layout(const char* wanted) {
  BROOD_LAYOUT(pool_stats, F(workers), F(idle), F(starting), F(pending), F(done), F(failed),
               F(canceled), F(lost), F(timed_out), F(retried), F(moved), F(workers_started))
  BROOD_LAYOUT(queue_stats, F(length), F(put), F(taken), F(finished), F(lost))
  BROOD_LAYOUT(usage, F(user_us), F(system_us), F(max_resident_bytes), F(minor_faults),
               F(major_faults))
  return find_options(wanted);
}

#undef F
#undef BROOD_LAYOUT
#undef BROOD_STREAM
#undef BROOD_LIMITS
#undef BROOD_COUNTED
#undef BROOD_FIELD

template <class T>
bool store_as(char* at, int64_t value) {
  const auto narrow = static_cast<T>(value);
  // UINT64 takes every bit pattern, all others exactly their range.
  if (sizeof(T) < 8 && static_cast<int64_t>(narrow) != value) return false;
  std::memcpy(at, &narrow, sizeof narrow);
  return true;
}
template <class T>
int64_t load_as(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<int64_t>(value);
}

inline bool store(const Field& field, char* bytes, int64_t value) {
  char* at = bytes + field.offset;
  switch (field.kind) {
    case Kind::Bool:
      return store_as<uint8_t>(at, value != 0);
    case Kind::U8:
      return store_as<uint8_t>(at, value);
    case Kind::I32:
      return store_as<int32_t>(at, value);
    case Kind::U32:
      return store_as<uint32_t>(at, value);
    case Kind::I64:
      return store_as<int64_t>(at, value);
    case Kind::U64:
      return store_as<uint64_t>(at, value);
    default:
      return false;
  }
}

inline int64_t load(const Field& field, const char* bytes) {
  const char* at = bytes + field.offset;
  switch (field.kind) {
    case Kind::Bool:
    case Kind::U8:
      return load_as<uint8_t>(at);
    case Kind::I32:
      return load_as<int32_t>(at);
    case Kind::U32:
      return load_as<uint32_t>(at);
    case Kind::I64:
      return load_as<int64_t>(at);
    case Kind::U64:
      return load_as<uint64_t>(at);
    default:
      return 0;
  }
}

}  // namespace brood_binding

struct brood_record {
 public:
  using Field = brood_binding::Field;
  using Kind = brood_binding::Kind;

  explicit brood_record(const brood_binding::Layout& layout)
      : layout_(layout), words_(layout.size / sizeof(uint64_t) + 1) {
    std::memcpy(bytes(), &layout.size, sizeof layout.size);
  }

  const brood_binding::Layout& layout() const { return layout_; }
  char* bytes() { return reinterpret_cast<char*>(words_.data()); }
  const char* bytes() const { return reinterpret_cast<const char*>(words_.data()); }
  /** The struct, if it is the one of that name ("brood_" included). */
  void* as(const char* type) {
    return std::strcmp(layout_.name, type + std::strlen("brood_")) == 0 ? bytes() : nullptr;
  }

  const Field* find(const char* name) const {
    for (size_t i = 0; i < layout_.count; ++i) {
      if (std::strcmp(layout_.fields[i].name, name) == 0) return &layout_.fields[i];
    }
    return nullptr;
  }
  bool set_text(const char* name, const char* text) {
    const Field* field = find(name, Kind::Text);
    if (field == nullptr) return false;
    strings_.emplace_back(text);
    return put(*field, strings_.back().c_str());
  }
  bool set_bytes(const char* name, const void* data, size_t size) {
    const Field* field = find(name, Kind::Bytes);
    if (field == nullptr) return false;
    strings_.emplace_back(static_cast<const char*>(data), size);
    std::memcpy(bytes() + field->size_offset, &size, sizeof size);
    return put(*field, static_cast<const void*>(strings_.back().data()));
  }
  bool add_text(const char* name, const char* text) {
    const Field* field = find(name, Kind::Texts);
    if (field == nullptr) return false;
    strings_.emplace_back(text);
    std::vector<const char*>& list = lists_[field];
    if (!list.empty()) list.pop_back();
    list.push_back(strings_.back().c_str());
    list.push_back(nullptr);
    return put(*field, static_cast<const char* const*>(list.data()));
  }
  bool add_number(const char* name, uint32_t value) {
    const Field* field = find(name, Kind::Numbers);
    if (field == nullptr) return false;
    std::vector<uint32_t>& list = numbers_[field];
    list.push_back(value);
    const auto count = static_cast<uint32_t>(list.size());
    std::memcpy(bytes() + field->size_offset, &count, sizeof count);
    return put(*field, static_cast<const uint32_t*>(list.data()));
  }
  template <class T>
  bool set_object(const char* name, T* object) {
    const Field* field = find(name, brood_binding::kind_of<T*>());
    return field != nullptr && put(*field, object);
  }

 private:
  const Field* find(const char* name, Kind kind) const {
    const Field* field = find(name);
    return field != nullptr && field->kind == kind ? field : nullptr;
  }
  template <class T>
  bool put(const Field& field, T pointer) {
    std::memcpy(bytes() + field.offset, &pointer, sizeof pointer);
    return true;
  }

  const brood_binding::Layout& layout_;
  std::vector<uint64_t> words_;      // the struct
  std::deque<std::string> strings_;  // a deque never moves them
  std::map<const Field*, std::vector<const char*>> lists_;
  std::map<const Field*, std::vector<uint32_t>> numbers_;
};
