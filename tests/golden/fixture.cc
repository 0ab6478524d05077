#include "tests/golden/fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "base/hex.h"

namespace oncemq::golden {

std::string path_of(std::string_view name) {
  return std::string(ONCEMQ_SOURCE_DIR "/tests/golden/").append(name);
}

std::string read_file(std::string_view name) {
  std::ifstream file(path_of(name), std::ios::binary);
  ONCE_CHECK(file.good(), "fixture is missing");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Json read_index(std::string_view name) {
  auto index = Json::parse(read_file(name));
  ONCE_CHECK(index.has_value(), "fixture does not parse");
  return std::move(*index);
}

std::string from_hex(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  ONCE_CHECK(oncemq::read_hex(hex, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()}));
  return bytes;
}

std::vector<std::string> read_folder(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_of(name)))
    names.push_back(std::string(name) + "/" + entry.path().filename().string());
  std::sort(names.begin(), names.end());
  std::vector<std::string> contents;
  for (const std::string& one : names) contents.push_back(read_file(one));
  return contents;
}

}  // namespace oncemq::golden
