#include "sync/cancel.hpp"

namespace brood {

Result<CancelToken> CancelToken::create(Holdings& holdings) {
  auto held = holdings.create(ObjectType::Cancel, sizeof(CancelState));
  if (!held) return held.error().with_context("making a cancel token");
  return CancelToken(std::move(*held));
}

Result<CancelToken> CancelToken::from(Held held) {
  BROOD_TRY(expect(held, ObjectType::Cancel, sizeof(CancelState), "a cancel token's"));
  return CancelToken(std::move(held));
}

}  // namespace brood
