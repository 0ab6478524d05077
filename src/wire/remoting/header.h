#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/remoting/command.h"

// The two ways to write a header, in both directions.
namespace oncemq::wire {

// Fill everything of `command` but kind and body; Command::decode is the ordinary way in. The JSON
// reader takes standard JSON with numbers and booleans as field values, languages by name or
// ordinal and unknown members of any shape; null members count as absent.
Status decode_json_header(Bytes header, Command& command);
Status decode_binary_header(Bytes header, Command& command);

// What a header carries besides its fields.
struct HeaderStart {
  std::int32_t code = 0;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string_view remark;  // not written when empty
  Language language = Language::kCpp;
  std::int32_t version = version::kOurs;
};

// Appends one frame to a buffer: construct, field() for each field, finish(). The body is not part
// of it: the caller sends body_size bytes behind. Nothing else may touch the buffer in between.
// JSON members come in the order in which upstream writes them; field values are always strings.
// Thread rule: confined.
class HeaderWriter {
 public:
  HeaderWriter(std::string& out, HeaderKind kind, const HeaderStart& start);
  HeaderWriter(const HeaderWriter&) = delete;
  HeaderWriter& operator=(const HeaderWriter&) = delete;

  // A pair with an empty value is written as such.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::int64_t value);
  void field(std::string_view name, std::int32_t value) {
    field(name, static_cast<std::int64_t>(value));
  }
  void field(std::string_view name, bool value) {
    field(name, value ? std::string_view("true") : std::string_view("false"));
  }
  void field(std::string_view name, double value);
  void field(std::string_view, const char*) = delete;  // would be taken for a bool

  // Writes the lengths. `body_size` counts the bytes that the caller sends behind.
  void finish(std::size_t body_size);

 private:
  static constexpr std::size_t kNotLarge = static_cast<std::size_t>(-1);

  // Small pieces are collected in buffer_, because growing a string costs more than filling it;
  // what does not fit there is written into out_ directly. room() gives at least `bytes`,
  // advance_to() says how many of them were used.
  char* room(std::size_t bytes);
  void advance_to(const char* end);
  void flush();
  std::size_t size() const { return out_.size() + used_; }
  char* json_name(char* to, std::string_view name);

  std::string& out_;
  const HeaderKind kind_;
  const HeaderStart start_;    // its remark must outlive finish()
  const std::size_t begin_;    // of the frame in out_
  std::size_t ext_begin_ = 0;  // of the fields in out_
  bool any_field_ = false;
  std::size_t large_begin_ = kNotLarge;
  std::size_t used_ = 0;
  char buffer_[1024];
};

// A whole frame without fields: refusals, empty answers, simple requests.
void append_frame(std::string& out, HeaderKind kind, const HeaderStart& start, Bytes body = {});

}  // namespace oncemq::wire
