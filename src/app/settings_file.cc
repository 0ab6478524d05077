#include "app/settings_file.h"

namespace oncemq::app {
namespace {

Result<std::string> read_file(os::Disk& disk, const std::string& path) {
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  std::string text(*size, '\0');
  const auto read = (*file)->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()});
  if (!read) return fail(read.error());
  text.resize(*read);
  return text;
}

}  // namespace

Result<std::vector<std::string>> read_settings_file(os::Disk& disk, const std::string& path,
                                                    model::Settings& settings) {
  const auto text = read_file(disk, path);
  if (!text) return fail(text.error());
  return model::apply_properties(settings, *text, path);
}

Status write_settings_file(os::Disk& disk, const std::string& path,
                           std::span<const model::SettingAssignment> assignments) {
  auto text = read_file(disk, path);
  if (!text) return fail(std::move(text.error()));
  for (const model::SettingAssignment& a : assignments)
    *text = model::rewrite_properties(*text, a.name, a.value);

  const std::string temporary = path + ".tmp";
  auto out = disk.open(temporary, os::OpenMode::kCreate);
  if (!out) return fail(std::move(out.error()));
  ONCE_TRY((*out)->truncate(0));
  ONCE_TRY((*out)->write_at(0, as_bytes(*text)));
  ONCE_TRY((*out)->sync_data());
  ONCE_TRY(disk.rename(temporary, path));
  const std::size_t slash = path.rfind('/');
  return disk.sync_dir(slash == std::string::npos ? "." : path.substr(0, slash));
}

}  // namespace oncemq::app
