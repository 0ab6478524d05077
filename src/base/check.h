#pragma once

// Always-on assertion for our own mistakes: prints file, line and text, then aborts. Never used for
// input from outside (that is a Result).
#define ONCE_CHECK(condition, ...)                                            \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::oncemq::check_failed(#condition, __FILE__, __LINE__, "" __VA_ARGS__); \
  } while (false)

namespace oncemq {

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* why);

}  // namespace oncemq
