// The guard in main: init.h.
#include "api/runtime.hpp"

using namespace brood;
using namespace brood::api;

extern "C" {

brood_status brood_init(int argc, char* const* argv, const brood_init_options* given,
                        brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(options, read_options(given, "brood_init_options"));
    if (argc < 0)
      return invalid("argc is " + std::to_string(argc) + "; pass main's, or 0 and NULL");
    if (argc > 0 && argv == nullptr) return invalid("argv is NULL; pass main's, or 0 and NULL");
    constexpr uint64_t kLeast = 16 << 20;
    if (options.arena_bytes != 0 && options.arena_bytes < kLeast) {
      return invalid("arena_bytes is " + std::to_string(options.arena_bytes) +
                     "; give at least 16 MiB, or 0 for the default");
    }
    return Runtime::instance().init(argc, argv, options);
  });
}

void brood_shutdown(void) {
  (void)guard_patiently(nullptr, []() -> Status {
    Runtime::instance().shutdown();
    return {};
  });
}

bool brood_is_worker(void) {
  return quietly([] {
    Result<Runtime*> runtime = Runtime::open();
    return runtime.ok() && (*runtime)->is_worker();
  });
}

uint32_t brood_cpu_count(void) {
  const uint32_t count = quietly([] { return platform::usable_cpus(); });
  return count != 0 ? count : 1;
}

}  // extern "C"
