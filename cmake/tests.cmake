# Tests are found by pattern, so that none can be left out by accident:
#   src/<layer>/**/*_test.cc   -> test_<layer>,  ctest label "unit"
#   tests/<lane>/*_test.cc     -> lane_<lane>,   ctest label "<lane>"
#   tests/<lane>/*_main.cc     -> <lane>_*, a program that the lane's scripts start
#   tools/*_test.py            -> ctest label "tools"
find_package(GTest REQUIRED)
include(GoogleTest)

# Half of a cold build is tests: GoogleTest's headers are compiled once, and the code of the tests
# (not what they test) is not optimised.
file(CONFIGURE OUTPUT test_headers.cc CONTENT "// Only its precompiled headers are used.\n")
add_library(test_headers OBJECT ${PROJECT_BINARY_DIR}/test_headers.cc)
target_link_libraries(test_headers PRIVATE GTest::gmock oncemq_base)
target_compile_options(test_headers PRIVATE -O0)
target_precompile_headers(test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)

function(oncemq_add_tests target label)
  add_executable(${target} ${ARGN})
  target_compile_definitions(${target} PRIVATE
    ONCEMQ_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ONCEMQ_BINARY="$<TARGET_FILE:oncemq>")
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main)
  target_compile_options(${target} PRIVATE -O0)
  target_precompile_headers(${target} REUSE_FROM test_headers)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT 120)
endfunction()

foreach(layer IN LISTS ONCEMQ_LAYERS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*_test.cc)
  if(sources)
    oncemq_add_tests(test_${layer} unit ${sources})
    target_link_libraries(test_${layer} PRIVATE oncemq_${layer})
  endif()
endforeach()

file(GLOB lanes CONFIGURE_DEPENDS LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/tests/*)
foreach(folder IN LISTS lanes)
  if(IS_DIRECTORY ${folder})
    cmake_path(GET folder FILENAME lane)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*_test.cc)
    if(sources)
      file(GLOB support CONFIGURE_DEPENDS ${folder}/*.cc)
      list(FILTER support EXCLUDE REGEX "_main\\.cc$")
      oncemq_add_tests(lane_${lane} ${lane} ${support})
      target_include_directories(lane_${lane} PRIVATE ${PROJECT_SOURCE_DIR})
      target_link_libraries(lane_${lane} PRIVATE oncemq_app)
    endif()
    file(GLOB mains CONFIGURE_DEPENDS ${folder}/*_main.cc)
    foreach(main IN LISTS mains)
      cmake_path(GET main STEM name)
      string(REGEX REPLACE "_main$" "" name ${lane}_${name})
      add_executable(${name} ${main})
      oncemq_link_included(${name} ${main})
    endforeach()
  endif()
endforeach()

file(GLOB tool_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/*_test.py)
foreach(file IN LISTS tool_tests)
  cmake_path(GET file STEM name)
  add_test(NAME tools.${name} COMMAND ${Python3_EXECUTABLE} ${file})
  set_tests_properties(tools.${name} PROPERTIES LABELS tools)
endforeach()
add_test(NAME tools.layers_of_this_tree
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/layers.py ${PROJECT_SOURCE_DIR})
set_tests_properties(tools.layers_of_this_tree PROPERTIES LABELS tools)
