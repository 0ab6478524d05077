#include "base/crc.h"

#include <isa-l/crc.h>

namespace oncemq {

std::uint32_t crc32(Bytes bytes, std::uint32_t seed) {
  // The reflected ("gzip") form is the one that zlib and java.util.zip.CRC32 compute; it inverts
  // seed and result itself.
  return crc32_gzip_refl(seed, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace oncemq
