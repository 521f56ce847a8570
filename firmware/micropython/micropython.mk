# User C module takt_native: the C core's control step inside a MicroPython firmware build.
# make -C micropython/ports/unix USER_C_MODULES=.../firmware: the folder above, so that the core lies below it too.
TAKT_DIR := $(USERMOD_DIR)/..
SRC_USERMOD_C += $(USERMOD_DIR)/native/takt_native.c
SRC_USERMOD_C += $(USERMOD_DIR)/native/attributes.c
SRC_USERMOD_LIB_C += $(addprefix $(TAKT_DIR)/core/src/, age_gate.c control_config.c control_tick.c encoder.c \
	kinematics.c pid.c safety.c shaping.c supply.c wheel_check.c)
CFLAGS_USERMOD += -I$(TAKT_DIR)/core/include -I$(TAKT_DIR)/core/generated
