# Tests of lib/ and mm/ on the developer's machine: one program, built with ASan and UBSan.
#
#	make host-tests				build it and run everything
#	make host-tests HOST_ARGS="--seed=1 buddy"	only tests with "buddy" in the name
#
# tests/host/shadow/ overrides headers of the same path: locks that check instead of spin, per-CPU
# data without segments, physical memory that is a file.

HOST_CC   ?= $(CC)
HOST_O    := $(O)/host
HOST_LIB  := $(sort $(wildcard lib/*.c))
HOST_MM   ?= $(sort $(wildcard mm/*.c))
HOST_TEST := $(sort $(wildcard tests/host/*.c))
HOST_ARGS ?=

HOST_CFLAGS := -std=gnu11 -O1 -g -DVERSO_HOST -DCONFIG_DEBUG=1 -Itests/host/shadow -I. \
               -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -fno-strict-aliasing -fwrapv $(WARN)
HOST_OBJS   := $(patsubst %.c,$(HOST_O)/%.o,$(HOST_LIB) $(HOST_MM) $(HOST_TEST))

$(HOST_O)/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  HOSTCC  $<")
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

# The kernel's string functions would take the place of the C library's: give them other names.
$(HOST_O)/lib/string.o: lib/string.c tests/host/names.txt
	@mkdir -p $(@D)
	@$(if $(V),,echo "  HOSTCC  $<")
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c -o $@.tmp $<
	$(Q)objcopy --redefine-syms=tests/host/names.txt $@.tmp $@

$(HOST_O)/lib/printf.o: lib/printf.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  HOSTCC  $<")
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c -o $@.tmp $<
	$(Q)objcopy --redefine-sym vsnprintf=lib_vsnprintf --redefine-sym snprintf=lib_snprintf $@.tmp $@

$(HOST_O)/verso-host-tests: $(HOST_OBJS)
	$(Q)$(HOST_CC) -fsanitize=address,undefined -rdynamic $(HOST_LDFLAGS) -o $@ $^ -lm
	@echo "  HOSTLD  $@"

.PHONY: host-tests
host-tests: $(HOST_O)/verso-host-tests         ## lib/ and mm/ on this machine, with ASan and UBSan
	$(HOST_O)/verso-host-tests $(HOST_ARGS)

-include $(HOST_OBJS:.o=.d)
