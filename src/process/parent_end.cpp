#include "process/parent_end.hpp"

#include <utility>

namespace brood {

Result<ParentEnd*> ParentEnd::watch(Household& household, int64_t pid, uint64_t start_time) {
  BROOD_TRY(household.start(false));
  auto process = platform::open_process(pid);
  auto* end = new ParentEnd;
  if (!process || !platform::process_alive(pid, start_time)) {
    end->note_death();
    return end;
  }
  end->process_ = std::move(*process);
  // The loop holds a reference until then; usually for ever.
  end->ref();
  household.loop().post([end, &loop = household.loop()] {
    auto watch = loop.watch(end->process_.get(), true, false, [end](Readiness) {
      end->watch_.reset();
      end->note_death();
      end->unref();
    });
    if (watch) {
      end->watch_ = std::move(*watch);
    } else {
      end->unref();
    }
  });
  return end;
}

void ParentEnd::note_death() {
  std::lock_guard lock(mutex_);
  dead_ = true;
  notify_locked();
}

}  // namespace brood
