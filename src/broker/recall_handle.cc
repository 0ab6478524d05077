#include "broker/recall_handle.h"

#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace oncemq::broker {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// A topic has at most 255 characters, a unique key some dozens: what is longer is none of ours.
constexpr std::size_t kTextMax = 4096;

std::string encode(std::string_view raw) {
  std::string text;
  text.reserve((raw.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < raw.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(raw.size() - i, 3);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < left ? static_cast<unsigned char>(raw[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= left ? kAlphabet[word >> (18 - 6 * k) & 0x3F] : '=';
  }
  return text;
}

// Padding may be missing, as Java's decoder allows.
std::optional<std::string> decode(std::string_view text) {
  const std::size_t padded = text.size();
  while (!text.empty() && text.back() == '=' && padded - text.size() < 2) text.remove_suffix(1);
  if (text.size() % 4 == 1 || (padded != text.size() && padded % 4 != 0)) return std::nullopt;
  std::string raw;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    word = word << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    raw += static_cast<char>(word >> bits & 0xFF);
  }
  return raw;
}

}  // namespace

Result<RecallHandle> RecallHandle::parse(std::string_view text) {
  const auto bad = [] { return fail(Errc::kBadBytes, "recall handle is invalid"); };
  if (text.empty() || text.size() > kTextMax) return bad();
  const auto raw = decode(text);
  if (!raw) return bad();
  std::vector<std::string_view> words;
  std::string_view rest = *raw;
  for (;;) {
    const std::size_t end = rest.find(' ');
    words.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  // compat: words behind the fifth are left to later versions (upstream RecallMessageHandle).
  if (words.size() < 5 || words[0] != "v1") return bad();
  for (std::size_t i = 1; i < 5; ++i)
    if (words[i].empty()) return bad();
  std::int64_t time = 0;
  const auto [end, error] =
      std::from_chars(words[3].data(), words[3].data() + words[3].size(), time);
  if (error != std::errc{} || end != words[3].data() + words[3].size() || time <= 0) return bad();
  return RecallHandle{.topic = std::string(words[1]),
                      .broker = std::string(words[2]),
                      .out_ms = time - 1,
                      .unique_key = std::string(words[4])};
}

std::string RecallHandle::to_string() const {
  // compat: one more than TIMER_OUT_MS, so that rounding down finds it again.
  return encode("v1 " + topic + " " + broker + " " + std::to_string(out_ms + 1) + " " + unique_key);
}

}  // namespace oncemq::broker
