#include "wire/remoting/command.h"

#include <algorithm>
#include <iterator>

#include "wire/remoting/header.h"

namespace oncemq::wire {

namespace {

// By ordinal.
constexpr std::string_view kLanguages[] = {"JAVA",   "CPP",  "DOTNET", "PYTHON", "DELPHI",
                                           "ERLANG", "RUBY", "OTHER",  "HTTP",   "GO",
                                           "PHP",    "OMS",  "RUST",   "NODE_JS"};
static_assert(std::size(kLanguages) == static_cast<std::size_t>(Language::kNodeJs) + 1);

}  // namespace

std::string_view language_name(Language language) {
  return kLanguages[static_cast<std::size_t>(language)];
}

Language language_of(std::string_view name) {
  const auto* found = std::find(std::begin(kLanguages), std::end(kLanguages), name);
  if (found == std::end(kLanguages)) return Language::kOther;
  return static_cast<Language>(found - std::begin(kLanguages));
}

Language language_of(std::int64_t ordinal) {
  if (ordinal < 0 || ordinal >= std::ssize(kLanguages)) return Language::kOther;
  return static_cast<Language>(ordinal);
}

namespace version {

std::string name(std::int32_t ordinal) {
  // Since 4.0.0 each of ten patches of ten minor versions takes two ordinals: snapshot, release.
  constexpr std::int32_t kFirst = 212;
  constexpr std::int32_t kHigher = 612;
  if (ordinal < 0 || ordinal >= kHigher) return "HIGHER_VERSION";
  if (ordinal < kFirst) return "V3";
  const std::int32_t release = (ordinal - kFirst) / 2;
  return "V" + std::to_string(4 + release / 100) + "_" + std::to_string(release / 10 % 10) + "_" +
         std::to_string(release % 10) + ((ordinal - kFirst) % 2 == 0 ? "_SNAPSHOT" : "");
}

}  // namespace version

const ExtField* ExtFields::find(std::string_view name) const {
  for (const ExtField& field : *this)
    if (field.is(name)) return &field;
  return nullptr;
}

Command::Command() = default;
Command::~Command() = default;
Command::Command(Command&&) noexcept = default;
Command& Command::operator=(Command&&) noexcept = default;

Status Command::decode(const Frame& frame) {
  if (scratch_size_ > kScratchKept) {
    scratch_.reset();
    scratch_size_ = 0;
  }
  kind = frame.kind;
  code = 0;
  language = Language::kOther;
  version = 0;
  opaque = 0;
  flag = 0;
  remark = {};
  ext.clear();
  body = frame.body;
  return kind == HeaderKind::kJson ? decode_json_header(frame.header, *this)
                                   : decode_binary_header(frame.header, *this);
}

char* Command::scratch(std::size_t size) {
  if (scratch_size_ < size) {
    scratch_ = std::make_unique_for_overwrite<char[]>(size);
    scratch_size_ = size;
  }
  return scratch_.get();
}

}  // namespace oncemq::wire
