# Sources of the tender that need no process: unit tests and fuzzers are made with them.
# Nothing pauses in them: no_operation.c.
UNITS = ../tender/no_operation.c $(addprefix ../../tender/,optimisations.c maps.c layout.c pagemap.c plan.c \
	frame.c sealed.c base.c page_delta.c unchanged.c process_read.c page_copy.c plan_delta.c plan_check.c pages.c layer.c \
	procfs.c map_list.c reset_plan.c change_index.c cgroup_place.c)
