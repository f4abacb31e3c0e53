# build.mk: how build.sh makes the targets of targets.txt: from the top, into OUT; each source once, and again when it changes.

CC := $(if $(filter default,$(origin CC)),clang,$(CC))
SANITIZE = address,undefined
FLAGS = -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=fuzzer-no-link,$(SANITIZE) \
	-Icommon -Ildap -Idaemon -Icli -Inss -Ipam -Itests/lib -Itests/fuzz \
	'-DAK_SYSCONFDIR="/etc"' '-DAK_LOCALSTATEDIR="/var"' '-DAK_PKGLIBEXECDIR="/usr/libexec/apikey"' \
	'-DAK_SBINDIR="/usr/sbin"' '-DAK_LIBDIR="/usr/lib"'
LIBS = -Wl,--as-needed -lyaml -lgcrypt
TABLE = tests/fuzz/targets.txt

# Chance and the clock are the same in every run: fuzz_dice.c, but where a target has its own.
DICE = -Wl,--wrap=getrandom,--wrap=clock_gettime,--wrap=time
dice = $(if $(findstring --wrap=getrandom,$(1)),,tests/fuzz/fuzz_dice.c $(DICE))

# Of a glob not the programs' main files.
MAINS = cli/main.c cli/askpass.c cli/completion.c daemon/main.c daemon/engine.c
objects = $(patsubst %.c,$(OUT)/%.o,$(filter-out $(MAINS),$(wildcard $(filter-out -%,$(1)))))
COMMON := $(call objects,common/*.c)
NAMES := $(shell awk 'NF && !/^\#/ { print $$1 }' $(TABLE))

all: $(NAMES:%=$(OUT)/fuzz_%) $(OUT)/make_image $(OUT)/make_seeds

# target NAME WORD…: the rule of one target.
define target
$(OUT)/fuzz_$(1): $(call objects,tests/fuzz/fuzz_$(1).c tests/fuzz/fuzz_check.c $(2) $(call dice,$(2))) $(OUT)/common.a $(TABLE)
	$$(CC) -fsanitize=fuzzer,$$(SANITIZE) -o $$@ $$(filter-out $(TABLE),$$^) $(filter -%,$(2) $(call dice,$(2))) $$(LIBS)
endef
$(foreach name,$(NAMES),$(eval $(call target,$(name),$(shell awk '$$1 == "$(name)" { $$1 = ""; print }' $(TABLE)))))

$(OUT)/make_image: $(call objects,tests/fuzz/make_image.c) $(OUT)/common.a
	$(CC) -fsanitize=$(SANITIZE) -o $@ $^ $(LIBS)

$(OUT)/make_seeds: $(call objects,$(addprefix tests/fuzz/,make_seeds.c fuzz_check.c fuzz_file.c fuzz_host.c fuzz_dice.c) cli/applied.c tests/lib/nss_fixture.c) $(OUT)/common.a
	$(CC) -fsanitize=$(SANITIZE) -o $@ $^ $(DICE) $(LIBS)

$(OUT)/common.a: $(COMMON)
	rm -f $@
	ar rcs $@ $(COMMON)

$(OUT)/%.o: %.c tests/fuzz/build.mk
	mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -c $< -o $@

-include $(patsubst %.o,%.d,$(wildcard $(OUT)/*/*.o $(OUT)/tests/*/*.o))

.PHONY: all
.DELETE_ON_ERROR:
