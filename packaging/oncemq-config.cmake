# find_package(oncemq): the target oncemq::oncemq (docs/sdk.md); where libxxhash is installed
# oncemq::embedded, and where SOCI is installed oncemq::once (docs/once.md).
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(tl-expected)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(ZLIB)
find_dependency(PkgConfig)
if(NOT TARGET PkgConfig::ONCEMQ_ISAL)
  pkg_check_modules(ONCEMQ_ISAL REQUIRED IMPORTED_TARGET libisal)
endif()

if(NOT TARGET oncemq::oncemq)
  # lib/cmake/oncemq -> prefix
  get_filename_component(oncemq_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(oncemq::oncemq STATIC IMPORTED)
  set_target_properties(oncemq::oncemq PROPERTIES
    IMPORTED_LOCATION "${oncemq_prefix}/lib/liboncemq.a"
    INTERFACE_INCLUDE_DIRECTORIES "${oncemq_prefix}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES
      "tl::expected;spdlog::spdlog;fmt::fmt;ZLIB::ZLIB;PkgConfig::ONCEMQ_ISAL;Threads::Threads")
  pkg_check_modules(ONCEMQ_XXHASH QUIET IMPORTED_TARGET libxxhash)
  if(ONCEMQ_XXHASH_FOUND)
    add_library(oncemq::embedded STATIC IMPORTED)
    set_target_properties(oncemq::embedded PROPERTIES
      IMPORTED_LOCATION "${oncemq_prefix}/lib/liboncemq-embedded.a"
      INTERFACE_LINK_LIBRARIES "oncemq::oncemq;PkgConfig::ONCEMQ_XXHASH")
  endif()
  find_library(ONCEMQ_SOCI soci_core)
  if(ONCEMQ_SOCI)
    add_library(oncemq::once STATIC IMPORTED)
    set_target_properties(oncemq::once PROPERTIES
      IMPORTED_LOCATION "${oncemq_prefix}/lib/liboncemq-once.a"
      INTERFACE_LINK_LIBRARIES "oncemq::oncemq;${ONCEMQ_SOCI};${CMAKE_DL_LIBS}")
  endif()
  unset(oncemq_prefix)
endif()
