#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"

// Reads what tests/golden/README.md describes. A fixture that is missing or broken stops the test
// program.
namespace oncemq::golden {

std::string path_of(std::string_view name);  // "store/plain.json" -> where it lies
std::string read_file(std::string_view name);
Json read_index(std::string_view name);
std::string from_hex(std::string_view hex);
// Bytes of all files of a folder, in the order of their names.
std::vector<std::string> read_folder(std::string_view name);

}  // namespace oncemq::golden
