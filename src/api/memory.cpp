// Where brood's memory comes from. This operator new is the library's own (the version script keeps
// it in); the memory is that of the program's, replaced or not, and goes back there.
#include <ctime>
#include <new>

#include "base/patience.hpp"

void* operator new(std::size_t size) {
  for (;;) {
    if (void* memory = ::operator new(size, std::nothrow)) return memory;
    if (!brood::Patience::in_scope()) throw std::bad_alloc();
    constexpr timespec kMoment = {0, 1'000'000};
    nanosleep(&kMoment, nullptr);
  }
}
