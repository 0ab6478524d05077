#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/frame.h"

namespace oncemq::wire {

// The sender's language. Whatever we do not know becomes kOther.
enum class Language : std::uint8_t {
  kJava = 0,
  kCpp = 1,
  kDotnet = 2,
  kPython = 3,
  kDelphi = 4,
  kErlang = 5,
  kRuby = 6,
  kOther = 7,
  kHttp = 8,
  kGo = 9,
  kPhp = 10,
  kOms = 11,
  kRust = 12,
  kNodeJs = 13,
};
std::string_view language_name(Language language);  // "JAVA", "CPP", ...
Language language_of(std::string_view name);        // kOther when unknown
Language language_of(std::int64_t ordinal);         // kOther when unknown

// Versions as upstream counts them.
namespace version {
inline constexpr std::int32_t kV3_4_9 = 121;  // sends back and retry sends carry their own maximum
inline constexpr std::int32_t kV4_9_4 = 401;  // reads routes with quoted map keys
inline constexpr std::int32_t kV5_0_0 = 413;  // registers with queue mappings
inline constexpr std::int32_t kOurs = 479;    // 5.3.3: whose behaviour we show
// "V5_3_3", as tools print it; "V3" for all of version 3, "HIGHER_VERSION" behind version 5.
std::string name(std::int32_t ordinal);
}  // namespace version

struct ExtField {
  std::string_view name;
  std::string_view value;

  // Most names that are compared are one letter long, or differ in the first one.
  bool is(std::string_view wanted) const {
    return name.size() == wanted.size() && !name.empty() && name[0] == wanted[0] &&
           (name.size() == 1 || name == wanted);
  }
};

// The typed fields of a header as they came. SEND_MESSAGE has 14, the common and ACL ones make 23;
// a header with more than kMax is refused. Thread rule: confined.
class ExtFields {
 public:
  static constexpr std::size_t kMax = 48;

  void clear() { size_ = 0; }
  // False when full.
  bool add(std::string_view name, std::string_view value) {
    if (size_ == kMax) return false;
    fields_[size_++] = ExtField{name, value};
    return true;
  }
  std::size_t size() const { return size_; }
  const ExtField& operator[](std::size_t i) const { return fields_[i]; }
  const ExtField* begin() const { return fields_.data(); }
  const ExtField* end() const { return fields_.data() + size_; }
  // The first field of that name; nullptr when absent.
  const ExtField* find(std::string_view name) const;

 private:
  std::array<ExtField, kMax> fields_;
  std::size_t size_ = 0;
};

// A decoded frame: views into the frame's bytes, and for strings that carried JSON escapes into a
// buffer of the command's own. Both kinds are valid until the next decode() or until the frame's
// bytes go away; keep one Command per connection or loop and reuse it. Thread rule: confined.
class Command {
 public:
  static constexpr std::int32_t kFlagResponse = 1;
  static constexpr std::int32_t kFlagOneway = 2;

  Command();
  ~Command();
  Command(Command&&) noexcept;
  Command& operator=(Command&&) noexcept;

  // kBadBytes with the place and the reason; the command is not to be used then.
  Status decode(const Frame& frame);

  HeaderKind kind = HeaderKind::kJson;
  std::int32_t code = 0;  // request: as on the wire, see find_request; response: ResponseCode
  Language language = Language::kOther;
  std::int32_t version = 0;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string_view remark;  // empty when absent
  ExtFields ext;
  Bytes body;

  bool is_response() const { return (flag & kFlagResponse) != 0; }
  bool is_oneway() const { return (flag & kFlagOneway) != 0; }

  // For the header codecs: room for `size` bytes that live as long as the views. Asked for at most
  // once per decode: no string is longer without its escapes than with them, so that a header's
  // strings fit in as many bytes as the header has.
  char* scratch(std::size_t size);
  std::size_t scratch_capacity() const { return scratch_size_; }
  // Whether a view of this command lies there, and not in the frame.
  bool in_scratch(std::string_view text) const {
    const std::less<const char*> before;
    return scratch_ != nullptr && !before(text.data(), scratch_.get()) &&
           before(text.data(), scratch_.get() + scratch_size_);
  }

  // What is kept for the next header: 32767 bytes of properties, each escaped as six, and the other
  // fields. More (up to a frame) is given back when the next header comes.
  static constexpr std::size_t kScratchKept = 256ULL << 10;

 private:
  std::unique_ptr<char[]> scratch_;
  std::size_t scratch_size_ = 0;
};

}  // namespace oncemq::wire
