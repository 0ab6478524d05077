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

# SOCI alone is linked; it loads its backends, and with them the databases' libraries, on demand. Their
# headers say what lies behind its handles.
find_library(SOCI_CORE soci_core REQUIRED)
find_path(SOCI_INCLUDE soci/soci.h REQUIRED)
find_path(LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
find_path(SQLITE_INCLUDE sqlite3.h REQUIRED)
add_library(oncemq_soci INTERFACE)
target_include_directories(oncemq_soci SYSTEM INTERFACE
  ${SOCI_INCLUDE} ${LIBPQ_INCLUDE} ${SQLITE_INCLUDE})
target_link_libraries(oncemq_soci INTERFACE ${SOCI_CORE} ${CMAKE_DL_LIBS})

add_library(oncemq_foreign INTERFACE)
target_link_libraries(oncemq_foreign INTERFACE
  tl::expected fmt::fmt spdlog::spdlog CLI11::CLI11 nlohmann_json::nlohmann_json
  ZLIB::ZLIB PkgConfig::ISAL PkgConfig::XXHASH)

# Debian ships llhttp as its three generated C files (docs/http.md says why this parser).
set(ONCEMQ_LLHTTP /usr/share/llhttp CACHE PATH "folder of api.c, http.c and llhttp.c")
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp REQUIRED)
add_library(llhttp STATIC
  ${ONCEMQ_LLHTTP}/api.c ${ONCEMQ_LLHTTP}/http.c ${ONCEMQ_LLHTTP}/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
