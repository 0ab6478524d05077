#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace oncemq {

void check_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "check failed: %s at %s:%d %s\n", condition, file, line, why);
  std::fflush(stderr);
  std::abort();
}

}  // namespace oncemq
