#include "broker/claims.h"

#include "base/check.h"

namespace oncemq::broker {

void Claims::shrink(std::size_t size) {
  ONCE_CHECK(size <= rows_.size());
  rows_.resize(size);
  asks_.resize(size);
}

}  // namespace oncemq::broker
