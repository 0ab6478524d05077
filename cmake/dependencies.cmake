# Everything foreign comes from Debian packages (tools/packages.txt).
find_package(PkgConfig REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

add_library(oncemq_foreign INTERFACE)
target_link_libraries(oncemq_foreign INTERFACE
  tl::expected fmt::fmt spdlog::spdlog CLI11::CLI11 nlohmann_json::nlohmann_json
  ZLIB::ZLIB PkgConfig::ISAL PkgConfig::XXHASH)
