# One static library oncemq_<layer> per line of layers.txt, made of what lies in src/<layer>.
set(ONCEMQ_LAYER_FILE ${PROJECT_SOURCE_DIR}/cmake/layers.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ONCEMQ_LAYER_FILE})
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# Upward includes and include circles stop the build before the first compilation.
file(GLOB_RECURSE ONCEMQ_ALL_SOURCES CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/*.cc ${PROJECT_SOURCE_DIR}/src/*.h ${PROJECT_SOURCE_DIR}/include/*.h)
add_custom_command(
  OUTPUT ${PROJECT_BINARY_DIR}/layers.stamp
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/layers.py ${PROJECT_SOURCE_DIR}
          --stamp ${PROJECT_BINARY_DIR}/layers.stamp
  DEPENDS ${ONCEMQ_ALL_SOURCES} ${ONCEMQ_LAYER_FILE} ${PROJECT_SOURCE_DIR}/tools/layers.py
  COMMENT "Checking layers and include circles" VERBATIM)
add_custom_target(layers DEPENDS ${PROJECT_BINARY_DIR}/layers.stamp)

set(ONCEMQ_LAYERS)
file(STRINGS ${ONCEMQ_LAYER_FILE} rows REGEX "^[a-z]+:")
foreach(row IN LISTS rows)
  string(REGEX MATCH "^[a-z]+" layer ${row})
  string(REGEX REPLACE "^[a-z]+: *" "" below "${row}")
  string(REPLACE " " ";" below "${below}")
  list(APPEND ONCEMQ_LAYERS ${layer})

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.cc)
  list(FILTER sources EXCLUDE REGEX "(_test\\.cc|/(app|oncecli|outboxcli)/main\\.cc)$")
  if(sources)
    add_library(oncemq_${layer} STATIC ${sources})
    set(scope PUBLIC)
    add_dependencies(oncemq_${layer} layers)
  else()
    add_library(oncemq_${layer} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(oncemq_${layer} ${scope}
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(oncemq_${layer} ${scope} oncemq_flags oncemq_foreign)
  foreach(lower IN LISTS below)
    target_link_libraries(oncemq_${layer} ${scope} oncemq_${lower})
  endforeach()
endforeach()

# Links a target with the layers that its sources include, for programs that are not a layer.
function(oncemq_link_included target)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} includes REGEX "^#include \"[a-z]+/")
    foreach(include IN LISTS includes)
      if(include MATCHES "\"oncemq/once/")
        target_link_libraries(${target} PRIVATE oncemq_once)
      endif()
      string(REGEX MATCH "\"([a-z]+)/" unused ${include})
      if(CMAKE_MATCH_1 IN_LIST ONCEMQ_LAYERS)
        target_link_libraries(${target} PRIVATE oncemq_${CMAKE_MATCH_1})
      elseif(CMAKE_MATCH_1 STREQUAL "oncemq")
        target_link_libraries(${target} PRIVATE oncemq_client)
      endif()
    endforeach()
  endforeach()
  target_link_libraries(${target} PRIVATE oncemq_base)
endfunction()
