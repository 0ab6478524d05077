# The client library as users link it (docs/sdk.md): one archive of the layers that it is made of,
# the public headers, and what find_package and pkg-config read. Component "sdk".
set(folder ${PROJECT_BINARY_DIR}/sdk)

# One archive of several targets', without what is for debuggers.
function(oncemq_merge archive)
  set(script "CREATE ${archive}\n")
  foreach(part IN LISTS ARGN)
    string(APPEND script "ADDLIB $<TARGET_FILE:${part}>\n")
  endforeach()
  file(GENERATE OUTPUT ${folder}/${archive}.mri CONTENT "${script}SAVE\nEND\n")
  add_custom_command(OUTPUT ${folder}/${archive}
    COMMAND ${CMAKE_AR} -M < ${folder}/${archive}.mri
    COMMAND ${CMAKE_STRIP} --strip-debug ${archive}
    COMMAND ${CMAKE_RANLIB} ${archive}
    DEPENDS ${ARGN} ${folder}/${archive}.mri
    WORKING_DIRECTORY ${folder} COMMENT "Merging ${archive}" VERBATIM)
endfunction()

oncemq_merge(liboncemq.a oncemq_base oncemq_os oncemq_model oncemq_wire oncemq_net oncemq_client)
# The server, for programs that have a broker inside: what stands on the client's layers.
oncemq_merge(liboncemq-embedded.a oncemq_store oncemq_dedup oncemq_broker oncemq_route oncemq_front
  oncemq_app llhttp)
# Effects that happen once need SOCI: an archive of its own for programs that want them (docs/once.md).
add_custom_command(OUTPUT ${folder}/liboncemq-once.a
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:oncemq_once> liboncemq-once.a
  COMMAND ${CMAKE_STRIP} --strip-debug liboncemq-once.a
  DEPENDS oncemq_once WORKING_DIRECTORY ${folder} VERBATIM)
set(archives ${folder}/liboncemq.a ${folder}/liboncemq-embedded.a ${folder}/liboncemq-once.a)
add_custom_target(oncemq_sdk ALL DEPENDS ${archives})

include(CMakePackageConfigHelpers)
write_basic_package_version_file(${folder}/oncemq-config-version.cmake
  COMPATIBILITY SameMinorVersion)
foreach(name oncemq oncemq-embedded oncemq-once)
  configure_file(${PROJECT_SOURCE_DIR}/packaging/${name}.pc.in ${folder}/${name}.pc @ONLY)
endforeach()
# The same folders under each prefix, so that a moved prefix works.
install(FILES ${archives} DESTINATION lib COMPONENT sdk)
install(FILES ${folder}/oncemq.pc ${folder}/oncemq-embedded.pc ${folder}/oncemq-once.pc
  DESTINATION lib/pkgconfig COMPONENT sdk)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/oncemq-config.cmake
  ${folder}/oncemq-config-version.cmake DESTINATION lib/cmake/oncemq COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/oncemq DESTINATION include COMPONENT sdk)
