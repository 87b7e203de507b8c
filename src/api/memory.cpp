// Where brood's memory comes from. This operator new is the library's own (the version script keeps
// it in); the memory is that of the program's, replaced or not, and goes back there.
#include <ctime>
#include <new>

#include "base/patience.hpp"

namespace {

template <class Allocate>
void* until_there_is_some(Allocate allocate) {
  for (;;) {
    if (void* memory = allocate()) return memory;
    if (!brood::Patience::in_scope()) throw std::bad_alloc();
    constexpr timespec kMoment = {0, 1'000'000};
    nanosleep(&kMoment, nullptr);
  }
}

}  // namespace

void* operator new(std::size_t size) {
  return until_there_is_some([=] { return ::operator new(size, std::nothrow); });
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  return until_there_is_some([=] { return ::operator new(size, alignment, std::nothrow); });
}
