# cmake --install, and the .deb by CPack.
include(GNUInstallDirs)
install(TARGETS oncemq RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS oncemq-once RUNTIME DESTINATION libexec/oncemq COMPONENT once)
install(TARGETS oncemq-outbox RUNTIME DESTINATION libexec/oncemq COMPONENT outbox)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.1)
install(FILES ${manuals} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# The unit names the folders that it is installed into, which are known only then (--prefix).
# Under /usr the settings belong to /etc.
install(CODE "set(source \"${PROJECT_SOURCE_DIR}/packaging\")
set(work \"${PROJECT_BINARY_DIR}\")")
install(CODE [[
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(sysconfdir /etc/oncemq)
  else()
    set(sysconfdir ${CMAKE_INSTALL_PREFIX}/etc/oncemq)
  endif()
  set(bindir ${CMAKE_INSTALL_PREFIX}/bin)
  configure_file(${source}/oncemq.service.in ${work}/oncemq.service @ONLY)
  file(INSTALL ${work}/oncemq.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
  file(INSTALL ${source}/broker.conf DESTINATION ${sysconfdir})
]])

set(CPACK_GENERATOR DEB)
# The server, and apart from it what loads databases' libraries; programs are built against a prefix
# (docs/sdk.md).
set(CPACK_COMPONENTS_ALL Unspecified once outbox)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_NAME oncemq)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME oncemq)
set(CPACK_DEBIAN_ONCE_PACKAGE_NAME oncemq-once)
set(CPACK_DEBIAN_OUTBOX_PACKAGE_NAME oncemq-outbox)
set(CPACK_COMPONENT_ONCE_DESCRIPTION
"The part of the command line that connects to PostgreSQL and SQLite:
oncemq once init, status and clean.")
set(CPACK_COMPONENT_OUTBOX_DESCRIPTION
"Publishes the rows of an outbox table in PostgreSQL or SQLite:
oncemq outbox init, run, status and retry.")
set(CPACK_PACKAGE_VENDOR OnceMQ)
set(CPACK_PACKAGE_CONTACT "OnceMQ maintainers <maintainers@oncemq.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"One process that serves unmodified RocketMQ clients: name server and broker,
with the protocol and the disk format of Apache RocketMQ. A send that was
answered is never lost while the promised disks survive.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_ONCE_PACKAGE_DEPENDS
  "oncemq (= ${PROJECT_VERSION}), libsoci-postgresql4.0, libsoci-sqlite3-4.0")
set(CPACK_DEBIAN_OUTBOX_PACKAGE_DEPENDS ${CPACK_DEBIAN_ONCE_PACKAGE_DEPENDS})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm
  ${PROJECT_SOURCE_DIR}/packaging/postrm ${PROJECT_SOURCE_DIR}/packaging/conffiles)
set(CPACK_SET_DESTDIR ON)  # /etc lies outside the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
