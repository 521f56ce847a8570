# The same for ports that build with CMake (RP2040, ESP32): -DUSER_C_MODULES=.../firmware/micropython/micropython.cmake
set(TAKT_CORE ${CMAKE_CURRENT_LIST_DIR}/../core)
add_library(usermod_takt INTERFACE)
target_sources(usermod_takt INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/native/takt_native.c
    ${CMAKE_CURRENT_LIST_DIR}/native/attributes.c
    ${TAKT_CORE}/src/age_gate.c
    ${TAKT_CORE}/src/control_config.c
    ${TAKT_CORE}/src/control_tick.c
    ${TAKT_CORE}/src/encoder.c
    ${TAKT_CORE}/src/kinematics.c
    ${TAKT_CORE}/src/pid.c
    ${TAKT_CORE}/src/safety.c
    ${TAKT_CORE}/src/shaping.c
    ${TAKT_CORE}/src/supply.c
    ${TAKT_CORE}/src/wheel_check.c
)
target_include_directories(usermod_takt INTERFACE ${TAKT_CORE}/include ${TAKT_CORE}/generated)
target_link_libraries(usermod INTERFACE usermod_takt)
