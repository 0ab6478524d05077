# The client library as users link it (docs/sdk.md): one archive of the layers that it is made of,
# the public headers, and what find_package and pkg-config read. Component "sdk".
set(archives)
foreach(layer base os model wire net client)
  list(APPEND archives oncemq_${layer})
endforeach()
set(script "CREATE liboncemq.a\n")
foreach(archive IN LISTS archives)
  string(APPEND script "ADDLIB $<TARGET_FILE:${archive}>\n")
endforeach()
set(folder ${PROJECT_BINARY_DIR}/sdk)
file(GENERATE OUTPUT ${folder}/merge.mri CONTENT "${script}SAVE\nEND\n")
add_custom_command(OUTPUT ${folder}/liboncemq.a
  COMMAND ${CMAKE_AR} -M < ${folder}/merge.mri
  COMMAND ${CMAKE_STRIP} --strip-debug liboncemq.a
  COMMAND ${CMAKE_RANLIB} liboncemq.a
  DEPENDS ${archives} ${folder}/merge.mri
  WORKING_DIRECTORY ${folder} COMMENT "Merging liboncemq.a" VERBATIM)
# Effects that happen once need SOCI: an archive of its own for programs that want them (docs/once.md).
add_custom_command(OUTPUT ${folder}/liboncemq-once.a
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:oncemq_once> liboncemq-once.a
  COMMAND ${CMAKE_STRIP} --strip-debug liboncemq-once.a
  DEPENDS oncemq_once WORKING_DIRECTORY ${folder} VERBATIM)
add_custom_target(oncemq_sdk ALL DEPENDS ${folder}/liboncemq.a ${folder}/liboncemq-once.a)

include(CMakePackageConfigHelpers)
write_basic_package_version_file(${folder}/oncemq-config-version.cmake
  COMPATIBILITY SameMinorVersion)
foreach(name oncemq oncemq-once)
  configure_file(${PROJECT_SOURCE_DIR}/packaging/${name}.pc.in ${folder}/${name}.pc @ONLY)
endforeach()
# The same folders under each prefix, so that a moved prefix works.
install(FILES ${folder}/liboncemq.a ${folder}/liboncemq-once.a DESTINATION lib COMPONENT sdk)
install(FILES ${folder}/oncemq.pc ${folder}/oncemq-once.pc DESTINATION lib/pkgconfig COMPONENT sdk)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/oncemq-config.cmake
  ${folder}/oncemq-config-version.cmake DESTINATION lib/cmake/oncemq COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/oncemq DESTINATION include COMPONENT sdk)
