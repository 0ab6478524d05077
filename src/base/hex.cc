#include "base/hex.h"

namespace oncemq {
namespace {

constexpr char kDigits[] = "0123456789ABCDEF";

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::size_t write_hex(Bytes bytes, char* into) {
  for (const std::byte byte : bytes) {
    *into++ = kDigits[std::to_integer<unsigned>(byte) >> 4];
    *into++ = kDigits[std::to_integer<unsigned>(byte) & 0xF];
  }
  return 2 * bytes.size();
}

std::string to_hex(Bytes bytes) {
  std::string text(2 * bytes.size(), '0');
  write_hex(bytes, text.data());
  return text;
}

bool read_hex(std::string_view hex, MutableBytes into) {
  if (hex.size() % 2 != 0 || hex.size() / 2 > into.size()) return false;
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit_value(hex[at]);
    const int low = digit_value(hex[at + 1]);
    if (high < 0 || low < 0) return false;
    into[at / 2] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace oncemq
