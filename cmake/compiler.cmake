# Compiler flags, the same for every target.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache asks for before it caches users of precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      # Checkouts in different places share what they compiled.
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()
find_package(Threads REQUIRED)

add_library(oncemq_flags INTERFACE)
target_link_libraries(oncemq_flags INTERFACE Threads::Threads)
target_compile_definitions(oncemq_flags INTERFACE ONCEMQ_VERSION="${PROJECT_VERSION}")
target_compile_options(oncemq_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual -Wformat=2
  -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough
  -Wno-missing-field-initializers  # designated initialisers name what differs from the default
  -fno-omit-frame-pointer -fstack-protector-strong)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(oncemq_flags INTERFACE
    -fpch-preprocess -Wduplicated-cond -Wlogical-op
    -Wno-restrict)  # GCC 12 reports std::string concatenation (its bug 105651)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(oncemq_flags INTERFACE -Wthread-safety)
endif()

# The time of a test run is mostly the time of its build; mold links fastest.
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  target_link_options(oncemq_flags INTERFACE -fuse-ld=mold)
endif()

if(ONCEMQ_SANITIZE)
  target_compile_options(oncemq_flags INTERFACE
    -fsanitize=${ONCEMQ_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(oncemq_flags INTERFACE -fsanitize=${ONCEMQ_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code confuses GCC's flow analysis; the release build reports the real ones.
    target_compile_options(oncemq_flags INTERFACE
      -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-tsan)
  endif()
endif()
