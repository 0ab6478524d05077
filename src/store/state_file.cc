#include "store/state_file.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc.h"
#include "base/hex.h"
#include "base/json.h"

namespace oncemq::store {
namespace {

constexpr std::string_view kCheckKey = "\"onceCheck\":\"";
constexpr std::size_t kCheckDigits = 8;
constexpr std::string_view kCheckEnd = "\"\n}\n";

std::string crc_text(std::string_view text) {
  std::array<std::byte, 4> bytes;
  store_be<std::uint32_t>(bytes.data(), crc32(as_bytes(text)));
  return to_hex(bytes);
}

std::string with_check(std::string_view json) {
  const std::size_t brace = json.find_last_of('}');
  ONCE_CHECK(brace != std::string_view::npos, "a state file holds a JSON object");
  json = json.substr(0, brace);
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.remove_suffix(1);
  std::string text(json);
  text += json.ends_with('{') ? "\n\t" : ",\n\t";
  const std::string crc = crc_text(text);
  return text.append(kCheckKey).append(crc).append(kCheckEnd);
}

// Empty when the text is whole, otherwise what is wrong with it.
std::string defect_of(std::string_view text) {
  const std::size_t tail = kCheckKey.size() + kCheckDigits + kCheckEnd.size();
  if (text.size() > tail && text.substr(text.size() - tail).starts_with(kCheckKey)) {
    const std::string_view checked = text.substr(0, text.size() - tail);
    const std::string_view crc = text.substr(checked.size() + kCheckKey.size(), kCheckDigits);
    if (crc != crc_text(checked)) return "its content does not match its CRC";
  }
  const auto json = Json::parse(text);
  if (!json) return json.error().message;
  if (!json->is_object()) return "it is not a JSON object";
  return "";
}

struct Generation {
  bool exists = false;
  std::string text;
  std::string defect;  // empty = whole
};

Result<Generation> read_generation(os::Disk& disk, const std::string& path) {
  Generation result;
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) {
    if (file.error().code == Errc::kNotFound) return result;
    return fail(std::move(file.error()));
  }
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  result.exists = true;
  result.text.resize(*size);
  const auto count =
      (*file)->read_at(0, {reinterpret_cast<std::byte*>(result.text.data()), result.text.size()});
  if (!count) return fail(count.error());
  result.text.resize(*count);
  result.defect = defect_of(result.text);
  return result;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

StateFile::StateFile(os::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

Result<std::string> StateFile::load() {
  auto present = read_generation(disk_, path_);
  if (!present) return fail(std::move(present.error()));
  keep_present_ = !present->exists || present->defect.empty();
  if (present->exists && keep_present_) return std::move(present->text);

  auto former = read_generation(disk_, path_ + ".bak");
  if (!former) return fail(std::move(former.error()));
  if (former->exists && former->defect.empty()) return std::move(former->text);
  if (!present->exists && !former->exists) return std::string();
  std::string why;
  if (present->exists) why += "'" + path_ + "' is broken (" + present->defect + ")";
  if (present->exists && former->exists) why += " and ";
  if (former->exists) why += "'" + path_ + ".bak' is broken (" + former->defect + ")";
  return fail(Errc::kCorrupt, why + "; put a good copy in place, or remove them to begin without");
}

Status StateFile::save(std::string_view json) {
  const std::string temporary = path_ + ".tmp";
  {
    auto file = disk_.open(temporary, os::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    // Whole anew each time: what a failed sync left behind is not trusted.
    ONCE_TRY((*file)->truncate(0));
    ONCE_TRY((*file)->write_at(0, as_bytes(with_check(json))));
    ONCE_TRY((*file)->sync_data());
  }
  // Between the two renames a crash leaves only the .bak, which load() then takes: it is the state
  // before this save.
  if (keep_present_) {
    Status kept = disk_.rename(path_, path_ + ".bak");
    if (!kept && kept.error().code != Errc::kNotFound) return kept;
  }
  ONCE_TRY(disk_.rename(temporary, path_));
  keep_present_ = true;
  return disk_.sync_dir(folder_of(path_));
}

}  // namespace oncemq::store
