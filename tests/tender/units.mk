# Sources of the tender that need no process: unit tests and fuzzers are made with them, and with
# the include paths. Nothing pauses in them: no_operation.c.
ROOMS = ../../tender
TENDER_INCLUDES = -I$(ROOMS) -I../..
UNITS = ../tender/no_operation.c $(wildcard $(addprefix $(ROOMS)/,base/*.c plan/*.c process/*.c)) \
	$(addprefix $(ROOMS)/,memory/layer.c memory/pages.c memory/map_difference.c sandbox/cgroup_place.c)
