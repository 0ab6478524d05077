#pragma once

namespace oncemq::dedup {

// 128 bits, which GCC and Clang have and the standard does not.
__extension__ typedef unsigned __int128 Wide;

}  // namespace oncemq::dedup
