# SPDX-License-Identifier: MIT
# Verso: every command a person needs. `make help` lists them.
#
# The kernel's sources are found by folder: drop a file into mm/ and it is built. Everything that is made lies in build/;
# DEBUG=1 makes the debug kernel beside the release kernel, CC=clang builds with the other compiler (give it an O=).

DEBUG ?=
ifeq ($(origin CC),default)
CC := gcc
endif
LD     := ld
NASM   := nasm
PYTHON := python3
V      ?=
Q      := $(if $(V),,@)

FLAVOUR := $(if $(DEBUG),debug,release)
O       ?= build/$(FLAVOUR)
KERNEL  := $(O)/verso.elf

# What `make run` gives the machine.
CPUS    ?= 2
MEM     ?= 256
CMDLINE ?=
# Where `make random` starts.
SEED    ?= $(shell date +%s)

SRC_DIRS := arch/x86_64 kernel kernel/fs kernel/events kernel/ipc kernel/drivers kernel/drivers/block mm lib tests/kernel
C_SRCS   := $(foreach d,$(SRC_DIRS),$(sort $(wildcard $(d)/*.c)))
ASM_SRCS := $(sort $(wildcard boot/*.asm) $(wildcard arch/x86_64/*.asm))
FONT     := $(O)/font.o
OBJS     := $(C_SRCS:%.c=$(O)/%.o) $(ASM_SRCS:%.asm=$(O)/%.asm.o) $(FONT)

WARN   := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wimplicit-fallthrough \
          -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(if $(CI),-Werror)
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) -I. \
          -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie -fno-omit-frame-pointer \
          -fno-strict-aliasing -fno-stack-protector -fno-asynchronous-unwind-tables -fno-common \
          -fcf-protection=none -fno-strict-overflow $(WARN)
ifneq ($(DEBUG),)
CFLAGS += -DCONFIG_DEBUG=1 -fsanitize=undefined -fno-sanitize=alignment,object-size,pointer-overflow,null
endif
LDFLAGS := -nostdlib -static -z max-page-size=0x1000 -z noexecstack --build-id=none -T linker.ld $(EXTRA_LDFLAGS)

.PHONY: test-stress test-fuzz abi-docs all help setup kernel user iso run run-uefi test test-abi test-crowd test-programs sabotage random soak bench lint debug usb clean
.DEFAULT_GOAL := all

all: kernel user                   ## the kernel and the programs of user/

help:                              ## this list
	@echo "make COMMAND [DEBUG=1] [CPUS=2] [MEM=256] [CMDLINE=...]"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1 \t/' | expand -t 14

setup:                             ## install what every command needs (each command also does this for itself)
	@tools/setup.sh test

kernel: $(KERNEL)                  ## the kernel, build/release/verso.elf or build/debug/verso.elf

# Two passes: the first image gives the addresses, the second carries the table of them.
$(KERNEL): $(OBJS) linker.ld tools/ksyms.py
	$(Q)$(PYTHON) tools/ksyms.py --empty $(O)/ksyms0.asm
	$(Q)$(NASM) -f elf64 -o $(O)/ksyms0.o $(O)/ksyms0.asm
	$(Q)$(LD) $(LDFLAGS) -o $(O)/verso.pass1 $(OBJS) $(O)/ksyms0.o
	$(Q)$(PYTHON) tools/ksyms.py $(O)/verso.pass1 $(O)/ksyms1.asm
	$(Q)$(NASM) -f elf64 -o $(O)/ksyms1.o $(O)/ksyms1.asm
	@$(if $(V),,echo "  LD      $@")
	$(Q)$(LD) $(LDFLAGS) -o $@ $(OBJS) $(O)/ksyms1.o

$(O)/%.o: %.c | $(O)/ready
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $<")
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.asm.o: %.asm | $(O)/ready
	@mkdir -p $(@D)
	@$(if $(V),,echo "  NASM    $<")
	$(Q)$(NASM) -f elf64 -g -F dwarf -I. -MD $(@:.o=.d) -o $@ $<

# The screen's font, from a package of the distribution.
$(O)/font.asm: tools/font.py | $(O)/ready
	$(Q)$(PYTHON) tools/font.py $@

$(FONT): $(O)/font.asm
	@$(if $(V),,echo "  FONT    $@")
	$(Q)$(NASM) -f elf64 -o $@ $<

# Once a build folder: what the build needs is there.
$(O)/ready:
	@tools/setup.sh build
	@mkdir -p $(O)
	@touch $@

# Objects of one folder: make objs-mm
objs-%:
	$(Q)$(MAKE) --no-print-directory $(filter $(O)/$*/%,$(OBJS))

# ---- programs of user/: static, with musl, the same binaries for Linux and Verso ----

USER_O      := build/user
USER_SRCS   := $(wildcard user/*.c user/demo/*.c user/bench/*.c user/tests/*.c)
USER_BINS   := $(patsubst user/%.c,$(USER_O)/%,$(USER_SRCS))
USER_CFLAGS := -std=gnu11 -O2 -g -static -Wall -Wextra -Wno-unused-parameter -Wno-unused-result -I. $(if $(CI),-Werror)

user: $(USER_BINS)                 ## init, the demonstration, the benchmark and the tests

$(USER_O)/%: user/%.c | $(O)/ready
	@mkdir -p $(@D)
	@$(if $(V),,echo "  USER    $<")
	$(Q)musl-gcc $(USER_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -lpthread

# The same with glibc, for the tests that want to know both libraries.
GLIBC_BINS := $(USER_O)/glibc/helper_crowd

test-programs: $(GLIBC_BINS)       ## programs that only the tests need: static, with glibc

$(USER_O)/glibc/%: user/tests/%.c | $(O)/ready
	@mkdir -p $(@D)
	@$(if $(V),,echo "  USER    $<, glibc")
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -lpthread

# The documented system calls, as tables for the program that holds them against the kernel.
$(USER_O)/tables/%.h: docs/abi/syscalls.txt tools/abi.py
	@mkdir -p $(@D)
	$(Q)tools/abi.py $* $@

$(USER_O)/tests/abi $(USER_O)/tests/helper_fuzz: $(USER_O)/tables/calls.h $(USER_O)/tables/probes.h

abi-docs:                          ## the pages of docs/abi from docs/abi/syscalls.txt
	@tools/abi.py docs

-include $(USER_BINS:%=%.d) $(GLIBC_BINS:%=%.d)

# ---- images and machines ----

ISO := $(O)/verso.iso

iso: $(ISO)                        ## the hybrid image: BIOS and UEFI, CD and USB stick

$(ISO): $(KERNEL) $(USER_BINS) iso/grub.cfg $(wildcard tools/versolib/*.py) tools/verso
	@tools/setup.sh run
	@$(if $(V),,echo "  ISO     $@")
	$(Q)tools/verso image $(if $(DEBUG),--debug-kernel) --iso $@ --cmdline "$(CMDLINE)"

QEMU := qemu-system-x86_64 -m $(MEM) -smp $(CPUS) -accel tcg,thread=single -cpu max -no-reboot -nodefaults -display none

run: $(ISO)                        ## boot the image in QEMU, with the console on this terminal (^A x ends it)
	@$(QEMU) -serial mon:stdio -vga std -cdrom $(ISO)

run-uefi: $(ISO)                   ## the same by UEFI firmware
	@tools/setup.sh test
	@cp /usr/share/OVMF/OVMF_VARS_4M.fd $(O)/uefi-variables.fd
	@$(QEMU) -machine q35 -serial mon:stdio -vga std -cdrom $(ISO) \
		-drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
		-drive if=pflash,format=raw,unit=1,file=$(O)/uefi-variables.fd

debug: $(ISO)                      ## QEMU stopped before the first instruction, with GDB attached
	@tools/setup.sh debug
	@tools/debug.sh $(KERNEL) $(ISO) $(MEM) $(CPUS)

usb: $(ISO)                        ## how to write the image to a stick; with DEVICE=/dev/sdX, do it
	@tools/usb.sh $(ISO) $(DEVICE)

# ---- tests ----

-include tests/host/host.mk

test:                              ## every test: host, kernel, user programs, the machine matrix, lint
	@tools/setup.sh test
	@$(PYTHON) tests/run.py $(TESTS)

sabotage:                          ## break one rule of mm/ after the other: which test notices?
	@tools/setup.sh test
	@$(MAKE) --no-print-directory -j2 host-tests HOST_ARGS=--list >/dev/null
	@$(PYTHON) tools/sabotage.py $(SWITCHES)

test-abi:                          ## the user tests on this machine's Linux and on Verso, compared line by line
	@tools/setup.sh test
	@$(PYTHON) tests/run.py build "user on" "user release 2 cpus" "user debug 2 cpus"

random: user                       ## the random tests of mm/ in full: host and kernel, some ten minutes (SEED=N)
	@tools/setup.sh test
	@$(MAKE) --no-print-directory -j2 host-tests HOST_ARGS="--seed=$(SEED) --scale=10 =mm_random"
	@$(MAKE) --no-print-directory -j2 host-tests HOST_ARGS="--seed=$(SEED) --scale=50 =mm_random_far"
	@$(MAKE) --no-print-directory -j2 DEBUG=1 kernel
	@for cpus in 1 2 4; do \
		tools/verso run --debug-kernel --cpus $$cpus $(USER_O)/tests/mm_random $(SEED) 100000 || exit 1; \
	done

soak: kernel user                  ## reclaim and swap under load for MINUTES=30, DEVICE=ram|virtio|ahci|nvme
	@tools/setup.sh run
	@$(PYTHON) tools/soak.py $(or $(MINUTES),30) $(or $(DEVICE),ram)

test-crowd: all test-programs      ## programs of 64 threads, musl and glibc, 100 runs each at 1, 2 and 4 CPUs
	@tools/setup.sh test
	@$(PYTHON) tests/crowd.py

test-fuzz: all                     ## ten million system calls with wrong arguments, some half an hour (SEED=N, CALLS=N)
	@tools/setup.sh test
	@$(PYTHON) tests/abuse.py $(or $(CALLS),10000000) $(SEED)

test-stress: all                   ## Debian's stress-ng: its memory stressors for a minute each, then all together
	@tools/setup.sh test
	@$(PYTHON) tests/stress.py $(or $(SECONDS),60)

bench: kernel user                 ## Verso's figures beside Linux's: boot time, and instructions for each mm operation
	@tools/setup.sh run
	@$(PYTHON) tools/bench.py boot
	@$(PYTHON) tools/bench.py sizes
	@$(PYTHON) tools/bench.py rmap
	@$(PYTHON) tools/bench.py refaults
	@$(PYTHON) tools/bench.py loop
	@$(PYTHON) tools/bench.py mm

lint:                              ## formatting, sparse, cppcheck, and both compilers without a warning
	@tools/setup.sh test
	@tools/lint.sh

clean:                             ## remove everything that was built
	rm -rf build

-include $(OBJS:.o=.d)
