#include "sync/shared_object.hpp"

namespace brood {

Status SharedObject::expect(const Held& held, ObjectType type, size_t bytes, const char* what) {
  const ObjectHeader* header = held.header();
  if (header->type != static_cast<uint32_t>(type)) {
    return Error(Code::Invalid, std::string("the handle is not ") + what);
  }
  // What another process wrote may be wrong; how large the piece is, the heap knows.
  const uint64_t room = held.holdings().arena().heap().size_of(held.offset());
  if (header->bytes < bytes || room < sizeof(ObjectHeader) ||
      header->bytes > room - sizeof(ObjectHeader)) {
    return Error(Code::Protocol, std::string("the handle of ") + what + " is damaged: it has " +
                                     std::to_string(header->bytes) + " bytes");
  }
  return {};
}

}  // namespace brood
